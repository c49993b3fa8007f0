import locked, {
  type Competitor,
  type LockedError,
  type LockedNode,
  UnreachableError,
  WorkError,
} from 'locked'
import { electionMachine, type Holder } from 'locked/machine'
import { electionTestModel, MemoryCluster } from 'locked/testing'

const node: LockedNode = locked('memory:')('/a', { value: 1 })
const named: typeof UnreachableError = UnreachableError
const error: LockedError = new WorkError('x')
const holder: Holder | null = electionMachine.config.context === undefined ? null : null
const competitors: Promise<readonly Competitor[]> = node.candidates()
const cluster: LockedNode = new MemoryCluster().node('/b', { value: 1 })
// @ts-expect-error: a ttl is a number.
locked('memory:')('/a', { value: 1, ttl: '1' })
// @ts-expect-error: an error is no node.
const wrong: LockedNode = error

export { cluster, competitors, electionTestModel, error, holder, named, node, wrong }
