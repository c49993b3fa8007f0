import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../process.js'
import type { Figures, Place, Row } from '../row.js'
import { summarise } from '../statistics.js'

const WARM_UP = 20
const TIMES = 80
/** etcd makes a watch live within 100 ms, and a leader here knows who waits after 300 ms. */
const SETTLED_MS = 600

export const handover: Row = {
  name: 'handover',
  title: 'leader stops, another process that has waited for 600 ms and more is selected',
  rounds: 5,
  goals: [
    { figure: 'ms', atMost: 0.75, times: 'floor' },
    { figure: 'ms', atMost: 0.6, times: 'etcd3' },
    { figure: 'ms', atMost: 1, times: 'go' },
  ],
  async sample(place) {
    await using leader = await place.worker()
    await using follower = await place.worker()
    const paths = place.paths(place.scaled(WARM_UP) + place.scaled(TIMES))
    await leader.ask('join', { paths, lead: true })
    await follower.ask('join', { paths, lead: false })
    await sleep(SETTLED_MS)
    return await handOverInTurn(place, leader, follower, paths)
  },
}

export const handoverToNew: Row = {
  name: 'handover-new',
  title:
    'leader stops, another process that has only just joined is selected (etcd sends a new watch what it missed every 100 ms)',
  rounds: 5,
  goals: [{ figure: 'ms', atMost: 1, times: 'floor' }],
  async sample(place) {
    await using leader = await place.worker()
    await using follower = await place.worker()
    const tookMs: number[] = []
    const paths = place.paths(place.scaled(WARM_UP) + place.scaled(TIMES))
    for (const path of paths) {
      await leader.ask('join', { paths: [path], lead: true })
      await follower.ask('join', { paths: [path], lead: false })
      tookMs.push(await handOver(leader, follower))
    }
    return medianOf(place, tookMs)
  },
}

async function handOverInTurn(
  place: Place,
  leader: WorkerProcess,
  follower: WorkerProcess,
  paths: readonly string[],
): Promise<Figures> {
  const tookMs: number[] = []
  for (const _ of paths) tookMs.push(await handOver(leader, follower))
  return medianOf(place, tookMs)
}

/** On the path that both joined first of those that are left: from the call of stop to the election. */
async function handOver(leader: WorkerProcess, follower: WorkerProcess): Promise<number> {
  const { startedAt } = await leader.ask('leaveFirst', {})
  const { at } = await follower.ask('electedFirst', {})
  await follower.ask('leaveFirst', {})
  return at - startedAt
}

function medianOf(place: Place, tookMs: readonly number[]): Figures {
  return { ms: summarise(tookMs.slice(place.scaled(WARM_UP))).median }
}
