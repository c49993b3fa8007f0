import { setTimeout as sleep } from 'node:timers/promises'
import type { Place, Row } from '../row.js'

/** Settled, as for a hand-over. */
const SETTLE_MS = 600

export const crowd: Row = {
  name: 'crowd',
  title: '500 candidates for one path in one process: the leader stops, another is selected',
  rounds: 7,
  // The bare requests would claim one path five hundred times in one transaction, which etcd does not take.
  contenders: ['locked', 'before', 'etcd3', 'go'],
  goals: [{ figure: 'ms of 500', atMost: 1.2, times: { figure: 'ms of 2' } }],
  async sample(place) {
    return {
      'ms of 2': await takeOverAmong(place, 2),
      'ms of 500': await takeOverAmong(place, place.scaled(500)),
    }
  },
}

async function takeOverAmong(place: Place, candidates: number): Promise<number> {
  await using worker = await place.worker()
  const [path] = place.paths(1)
  if (path === undefined) throw new Error('bench: no path')
  await worker.ask('join', { paths: Array(candidates).fill(path), lead: false })
  await sleep(SETTLE_MS)
  return await worker.ask('takeOverWithin', {})
}
