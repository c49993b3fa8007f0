// A node in a process of its own that is inspected, either by the inspector that is given to `locked`
// or by what LOCKED_INSPECT says. Takes its hosts, the viewer's address (or null) and the node's
// options as JSON arguments, and calls as lines of text; each is answered by a line once it is done.
import { createInterface } from 'node:readline'
import { createWebSocketInspector } from '@statelyai/inspect'
import locked from 'locked'

const [hosts, url, options] = process.argv.slice(2).map((argument) => JSON.parse(argument))
const inspector = url && createWebSocketInspector({ url })
const node = locked(hosts, inspector ? { inspect: inspector.inspect } : {})(options)

for await (const call of createInterface({ input: process.stdin })) {
  if (call === 'propose') node.propose('another value')
  else await node[call]()
  process.stdout.write(`${call}\n`)
}
inspector?.stop()
