import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures, Place, Row } from '../row.js'
import { summarise } from '../statistics.js'

const WARM_UP = 100
const TIMES = 100
const SETTLED_MS = 30

export const handover: Row = {
  name: 'handover',
  title: 'leader stops, another process is selected',
  rounds: 5,
  goals: [{ figure: 'ms', atMost: 1.2, times: 'floor' }],
  sample: (place) => handOver(place, SETTLED_MS),
}

export const handoverToNew: Row = {
  name: 'handover-new',
  title: 'leader stops, another process that has only just joined is selected',
  rounds: 5,
  goals: [{ figure: 'ms', atMost: 1.2, times: 'floor' }],
  sample: (place) => handOver(place, 0),
}

async function handOver(place: Place, pauseMs: number): Promise<Figures> {
  await using leader = await place.worker()
  await using follower = await place.worker()
  const tookMs: number[] = []
  for (const path of place.paths(place.scaled(WARM_UP) + place.scaled(TIMES))) {
    await leader.ask('join', { paths: [path], lead: true })
    await follower.ask('join', { paths: [path], lead: false })
    await sleep(pauseMs)
    const { startedAt } = await leader.ask('leave', {})
    const { lastAt } = await follower.ask('elected', {})
    tookMs.push(lastAt - startedAt)
    await follower.ask('leave', {})
  }
  return { ms: summarise(tookMs.slice(place.scaled(WARM_UP))).median }
}
