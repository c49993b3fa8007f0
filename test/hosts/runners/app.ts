import locked, { LockedError, type LockedNode, UnreachableError } from 'locked'
import { electionMachine } from 'locked/machine'
import { VirtualClock } from 'locked/testing'

const node: LockedNode = locked(process.env.HOSTS ?? '')('/app', { value: 1, ttl: 3 })

async function main(): Promise<void> {
  await node.start()
  console.log(node.state, node.token !== null)
  await node.stop()
  console.log(new UnreachableError('x') instanceof LockedError, electionMachine.id)
  console.log(new VirtualClock().now())
}

main()
