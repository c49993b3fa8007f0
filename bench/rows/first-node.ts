import type { Row } from '../row.js'

/** The modules are loaded, the connection is not open yet: for all three alike. */
export const firstNode: Row = {
  name: 'first-node',
  title: 'first node in a fresh process: start to select',
  rounds: 15,
  goals: [{ figure: 'ms', atMost: 1.2, times: 'floor' }],
  async sample(place) {
    await using worker = await place.worker({ warm: false })
    const { startedAt, doneAt } = await worker.ask('join', { paths: place.paths(1), lead: true })
    return { ms: doneAt - startedAt }
  },
}
