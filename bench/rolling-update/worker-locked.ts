// A process that competes with this package, used as its README says: `worker-locked ENDPOINT NAME ID`.
import { once } from 'node:events'
import locked from '../../src/index.js'
import { TTL } from '../contenders/contender.js'
import { tell } from './teller.js'

const [endpoint = '', name = '', id = ''] = process.argv.slice(2)
const node = locked(endpoint)(name, { id, value: id, ttl: TTL })

node.lead(async ({ signal }) => {
  tell('begins')
  if (!signal.aborted) await once(signal, 'abort')
  tell('ends')
})
process.once('SIGTERM', () => node.stop())
await node.start()
tell('joined')
