import type { Row } from '../row.js'

const PATHS = 5_000

export const manyPaths: Row = {
  name: 'many-paths',
  title: '5,000 paths elected in one process, from nothing',
  rounds: 3,
  goals: [
    { figure: 'ms', atMost: 1 / 5, times: 'etcd3' },
    { figure: 'requests', atMost: 100 },
  ],
  async sample(place) {
    await using worker = await place.worker({ warm: false })
    const paths = place.paths(place.scaled(PATHS))
    const before = await place.requests()
    const { startedAt, doneAt } = await worker.ask('join', { paths, lead: true })
    return { ms: doneAt - startedAt, requests: (await place.requests()) - before }
  },
}
