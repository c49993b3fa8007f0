import type { Row } from '../row.js'
import { summarise } from '../statistics.js'

const WARM_UP = 30
const PATHS = 150

export const nextNode: Row = {
  name: 'next-node',
  title: 'next node on a warm session: start to select',
  rounds: 7,
  goals: [{ figure: 'ms', atMost: 1.3, times: 'floor' }],
  async sample(place) {
    await using worker = await place.worker()
    const paths = place.paths(WARM_UP + place.scaled(PATHS))
    const tookMs = await worker.ask('joinInTurn', { paths })
    return { ms: summarise(tookMs.slice(WARM_UP)).median }
  },
}
