// The same as competitor.mjs, with the election that etcd3 documents in place of ours:
// client.election(name, ttl).campaign(value), a new campaign after an error.
import { Etcd3 } from 'etcd3'
import { block, Recorder, standStill, takeCommands } from './recorder.mjs'

const { name, path, hosts, id, value, ttl } = JSON.parse(process.argv[2])
/** The example in etcd3's documentation waits for 5 s. */
const AGAIN_AFTER_MS = 1_000

const client = new Etcd3({ hosts: hosts.map((host) => `http://${host}`) })
const election = client.election(path.slice(1), ttl)
let campaign = null
let isLeader = false
let isStarted = false
const recorder = new Recorder({ path, node: name, process: name }, () => isLeader)

function runCampaign() {
  if (!isStarted) return
  const own = election.campaign(value)
  campaign = own
  own.on('elected', () => {
    if (campaign !== own) return
    isLeader = true
    // Its token would be the create revision of its key, at which its keyRevision was set.
    recorder.entry('select', { token: String(own.keyRevision), value, id })
  })
  own.on('error', (error) => {
    recorder.note('unreachable', { message: String(error?.message ?? error), attempt: 1 })
    if (campaign !== own) return
    campaign = null
    leave('error')
    setTimeout(runCampaign, AGAIN_AFTER_MS)
  })
}

function leave(reason) {
  if (!isLeader) return
  isLeader = false
  recorder.entry('deselect', { reason })
}

// What its watches and leases throw where nobody listens must not end the comparison.
process.on('uncaughtException', (error) => {
  recorder.note('unreachable', { message: `uncaught: ${error.message}`, attempt: 1 })
})
process.on('unhandledRejection', (error) => {
  recorder.note('unreachable', { message: `unhandled: ${error?.message ?? error}`, attempt: 1 })
})

takeCommands({
  start() {
    recorder.entry('start', { id, value })
    isStarted = true
    runCampaign()
  },
  async stop() {
    isStarted = false
    const own = campaign
    campaign = null
    leave('stopped')
    await own?.resign()
    recorder.entry('stop')
  },
  propose() {},
  state: () => ({ state: isLeader ? 'leader' : 'campaigning', isLeader, holder: null }),
  block({ ms }) {
    recorder.sample()
    recorder.note('blocked')
    block(ms)
    return { atOnce: recorder.sample() }
  },
  standStill() {
    recorder.note('blocked')
    return { atOnce: standStill(recorder, 10_000) }
  },
  settle: () => recorder.settle(),
  exit: ({ code = 0 }) => process.exit(code),
})
recorder.startSampling()
recorder.note('ready')
