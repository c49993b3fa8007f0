// One node in a process of its own, started by run-elect.ts: joins, says how it went, and leaves.
import { writeSync } from 'node:fs'
import locked from '../../dist/src/index.js'

const { hosts, options, path, patient } = JSON.parse(process.argv[2], (_name, value) =>
  value?.type === 'Buffer' ? Buffer.from(value.data) : value,
)
const say = (told) => writeSync(1, `${JSON.stringify(told)}\n`)

const node = locked(hosts, options)(path, { id: 'elect', value: 1, ttl: 5 })
node.on('error', (error) => say({ event: 'error', name: error.name, message: error.message }))
// One that is not patient leaves as soon as etcd cannot be reached.
if (!patient) node.once('unreachable', () => node.stop())
const startedAt = performance.now()
try {
  await node.start()
  say({ event: 'started', state: node.state, ms: performance.now() - startedAt })
} catch {
  // It was told already.
}
await node.stop()
say({ event: 'stopped' })
