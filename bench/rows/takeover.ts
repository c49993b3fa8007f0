import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../process.js'
import type { Figures, Place, Row } from '../row.js'

const PATHS = 5_000
const SETTLE_MS = 1_000

export const takeoverAfterStop: Row = {
  name: 'takeover-stop',
  title: '5,000 leaders of a process stop: until all paths are held by another process',
  rounds: 3,
  goals: [
    { figure: 'ms', atMost: 0.3, times: 'etcd3' },
    { figure: 'ms', atMost: 1, times: 'floor' },
  ],
  sample: (place) =>
    takeOver(place, async (leaders, followers) => {
      const { startedAt } = await leaders.ask('leave', {})
      return { ms: (await followers.ask('elected', {})).lastAt - startedAt }
    }),
}

export const takeoverAfterDeath: Row = {
  name: 'takeover-death',
  title: 'a process with 5,000 leaders dies: from the first path that is taken over to the last',
  rounds: 3,
  goals: [{ figure: 'ms', atMost: 0.15, times: 'etcd3' }],
  sample: (place) =>
    takeOver(place, async (leaders, followers) => {
      await leaders.kill()
      const { firstAt, lastAt } = await followers.ask('elected', {})
      return { ms: lastAt - firstAt }
    }),
}

async function takeOver(
  place: Place,
  end: (leaders: WorkerProcess, followers: WorkerProcess) => Promise<Figures>,
): Promise<Figures> {
  await using leaders = await place.worker()
  await using followers = await place.worker()
  const paths = place.paths(place.scaled(PATHS))
  await leaders.ask('join', { paths, lead: true })
  await followers.ask('join', { paths, lead: false })
  await sleep(SETTLE_MS)
  return await end(leaders, followers)
}
