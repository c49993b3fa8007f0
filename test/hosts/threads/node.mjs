// One node in a worker thread. Takes its hosts and its options as `workerData`, calls as messages, and
// tells answers and events in messages. Ends by itself once it was told to leave.
import { parentPort, workerData } from 'node:worker_threads'
import locked from 'locked'

const { hosts, options, exits } = workerData
const node = locked(hosts)(options)

for (const event of ['select', 'change', 'deselect', 'unreachable', 'error']) {
  node.on(event, (...args) => tell({ event, args: args.map((arg) => arg?.message ?? arg) }))
}
// A message would not be sent any more.
process.on('exit', () => Atomics.add(exits, 0, 1))

parentPort.on('message', async ({ id, call }) => {
  try {
    tell({ id, result: (await answer(call)) ?? null })
  } catch (error) {
    tell({ id, error: String(error) })
  }
})

tell({ event: 'ready', args: [] })

async function answer(call) {
  switch (call) {
    case 'look':
      return { state: node.state, isLeader: node.isLeader, pid: process.pid }
    case 'candidates':
      return (await node.candidates()).map(({ id, isHolder }) => ({ id, isHolder }))
    case 'leave':
      await node.stop()
      // Once that is answered.
      setImmediate(() => parentPort.close())
      return null
    case 'exit':
      process.exit(7)
      return null
    default:
      await node[call]()
      return null
  }
}

function tell(message) {
  parentPort.postMessage(message)
}
