// A process that competes with the election of the etcd3 package: `worker-etcd3 ENDPOINT NAME ID`.
import { Etcd3 } from 'etcd3'
import { TTL } from '../contenders/contender.js'
import { tell } from './teller.js'

const [endpoint = '', name = '', id = ''] = process.argv.slice(2)
const client = new Etcd3({ hosts: `http://${endpoint}` })
const campaign = client.election(name, TTL).campaign(id)
let isLeader = false

campaign.on('elected', () => {
  isLeader = true
  tell('begins')
})
campaign.on('error', (error) => {
  throw error
})
process.once('SIGTERM', async () => {
  if (isLeader) tell('ends')
  await campaign.resign()
  // Who waits goes on with that, and keeps the process, even when the client is closed.
  process.exit()
})
// Its own tests use the first event: it is about to wait for others to go.
await new Promise<void>((resolve) => {
  campaign.on('_isWaiting' as 'elected', () => resolve())
  campaign.on('elected', () => resolve())
})
tell('joined')
