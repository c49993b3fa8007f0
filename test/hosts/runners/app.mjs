import { createRequire } from 'node:module'
import locked, { LockedError, UnreachableError } from 'locked'
import { electionMachine } from 'locked/machine'
import { VirtualClock } from 'locked/testing'

const required = createRequire(import.meta.url)('locked')
if (required !== locked) throw new Error('require gives another function than import')

for (const hosts of ['memory:', process.env.HOSTS]) {
  const node = locked(hosts)('/app', { value: 1, ttl: 3 })
  await node.start()
  console.log(node.state, node.token !== null)
  await node.stop()
}
console.log(new UnreachableError('x') instanceof LockedError, electionMachine.id)
console.log(new VirtualClock().now())
