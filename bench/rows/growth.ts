import type { Figures, Row } from '../row.js'

const FEW = 100
const MANY = 50_000

export const growth: Row = {
  name: 'growth',
  title: 'a node’s share, with 100 nodes in the process and with 50,000',
  rounds: 3,
  contenders: ['locked', 'before'],
  goals: [
    { figure: `µs of ${MANY}`, atMost: 1, times: { figure: `µs of ${FEW}` } },
    { figure: `requests of ${MANY}`, atMost: 1, times: { figure: `requests of ${FEW}` } },
  ],
  async sample(place) {
    const figures: Record<string, number> = {}
    for (const nodes of [FEW, 1_000, 5_000, 20_000, MANY]) {
      await using worker = await place.worker()
      const paths = place.paths(nodes === FEW ? FEW : place.scaled(nodes))
      const before = await place.requests()
      const { startedAt, doneAt } = await worker.ask('join', { paths, lead: true })
      figures[`µs of ${nodes}`] = ((doneAt - startedAt) * 1_000) / paths.length
      figures[`requests of ${nodes}`] = ((await place.requests()) - before) / paths.length
    }
    return figures satisfies Figures
  },
}
