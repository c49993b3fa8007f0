// One node in a process of its own, which uses the package as users do. Takes its hosts and the
// node's options as JSON arguments and calls as lines of JSON, and tells answers and events in lines
// of JSON. Ends by itself once it was told to leave.
import { createInterface } from 'node:readline'
import locked from 'locked'

const [hosts, options] = process.argv.slice(2).map((argument) => JSON.parse(argument))
const node = locked(hosts)(options)
const calls = createInterface({ input: process.stdin })

const events = ['change', 'select', 'selected', 'deselect', 'refresh', 'vacant', 'unreachable']
for (const event of [...events, 'error']) {
  node.on(event, (...args) => {
    const plain = args.map((arg) => (arg instanceof Error ? arg.message : arg))
    tell({ event, args: plain, atMs: Date.now() })
  })
}

calls.on('line', async (line) => {
  const { id, call } = JSON.parse(line)
  try {
    tell({ id, result: (await answer(call)) ?? null })
  } catch (error) {
    tell({ id, error: String(error) })
  }
})

tell({ event: 'ready', args: [], atMs: Date.now() })

async function answer(call) {
  if (call === 'look') return { state: node.state, isLeader: node.isLeader }
  if (call !== 'leave') return node[call]()
  await node.stop()
  calls.close()
  process.stdin.destroy()
}

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
