import type { Row } from '../row.js'
import { summarise } from '../statistics.js'

const WARM_UP = 1_000
const PATHS = 1_000

export const nextNode: Row = {
  name: 'next-node',
  title: 'next node on a warm session: start to select',
  rounds: 5,
  goals: [{ figure: 'ms', atMost: 1.25, times: 'floor' }],
  async sample(place) {
    await using worker = await place.worker()
    const paths = place.paths(place.scaled(WARM_UP) + place.scaled(PATHS))
    const tookMs = await worker.ask('joinInTurn', { paths })
    return { ms: summarise(tookMs.slice(place.scaled(WARM_UP))).median }
  },
}
