// An app that is elected and stops. It ends by itself, unless something keeps it.
import { readFileSync } from 'node:fs'
import locked from 'locked'

const [hosts, grpcOptions, ca] = process.argv.slice(2)
const credentials = ca && { rootCertificate: readFileSync(ca) }
const locker = locked(hosts, {
  grpcOptions: JSON.parse(grpcOptions),
  ...(credentials && { credentials }),
})
const node = locker('/ending', { value: 1 })
await node.start()
console.log(node.state)
await node.stop()
