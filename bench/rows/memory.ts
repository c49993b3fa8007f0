import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../process.js'
import type { Place, Row } from '../row.js'

const WARM_UP = 2_000
const PATHS = 4_000
/** What was seen of a path at the start is forgotten by then (`src/stores/etcd/streams/prefix-group.ts`). */
const SETTLE_MS = 3_000

export const memory: Row = {
  name: 'memory',
  title: 'memory of a node at rest',
  rounds: 3,
  contenders: ['locked', 'before', 'etcd3', 'go'],
  goals: [
    { figure: 'KB of a leader', atMost: 10 },
    { figure: 'KB of a follower', atMost: 10 },
  ],
  async sample(place) {
    await using leaders = await place.worker()
    await using followers = await place.worker()
    const paths = place.paths(place.scaled(PATHS))
    return {
      'KB of a leader': await perNode(place, leaders, paths, true),
      'KB of a follower': await perNode(place, followers, paths, false),
    }
  },
}

async function perNode(
  place: Place,
  worker: WorkerProcess,
  paths: readonly string[],
  lead: boolean,
): Promise<number> {
  // What is loaded and compiled on behalf of the first ones is not theirs alone.
  await worker.ask('join', { paths: place.paths(place.scaled(WARM_UP)), lead: true })
  const before = await worker.ask('heap', {})
  await worker.ask('join', { paths, lead, listen: false })
  await sleep(SETTLE_MS)
  return ((await worker.ask('heap', {})) - before) / paths.length / 1_000
}
