// One node in a process of its own. The parent passes its settings as JSON, gives commands on
// standard input, and reads on standard output what the node does (see recorder.mjs).
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import locked from '../../dist/src/index.js'
import { block, now, Recorder, standStill, takeCommands } from './recorder.mjs'
import { SuspendableClock } from './suspendable-clock.mjs'

const {
  name,
  path,
  hosts,
  id,
  value,
  ttl,
  locker: options,
  suspendable,
  client,
} = JSON.parse(process.argv[2])

const clock = suspendable ? new SuspendableClock() : undefined
const require = createRequire(import.meta.url)
const given = client === 'etcdjs' ? require('etcdjs')(hosts) : hosts
const locker = locked(given, { ...options, ...(clock && { clock }) })
const node = locker(path, { id, value, ttl })
const recorder = new Recorder(
  { path, node: name, process: name },
  () => node.isLeader,
  clock && { caughtUp: () => clock.caughtUp() },
)
/** What to block on, and for how long. */
let blocking = { event: '', ms: 0 }
let guarded

function blockOn(event) {
  if (blocking.event !== event) return
  const { ms } = blocking
  blocking = { event: '', ms: 0 }
  recorder.note('blocked')
  block(ms)
}

node.on('select', (value) => {
  recorder.entry('select', { token: node.holder.token, value, id })
})
node.on('deselect', (reason) => {
  recorder.entry('deselect', { reason })
  blockOn('deselect')
})
node.on('change', (value, nodeid) => {
  const { revision } = node.actor.getSnapshot().context
  recorder.entry('change', { value, nodeid, token: node.holder?.token ?? null, revision })
})
node.on('vacant', () => {
  recorder.entry('vacant')
  blockOn('vacant')
})
node.on('refresh', () => recorder.note('refresh', { validityMs: node.validityMs }))
node.on('unreachable', (error, attempt) => {
  recorder.note('unreachable', { message: error.message, attempt })
})
node.on('error', (error) => {
  recorder.note('error', { name: error.name, message: error.message })
  recorder.entry('stop')
})

takeCommands({
  start() {
    recorder.entry('start', { id, value: node.actor.getSnapshot().context.value })
    return node.start()
  },
  async stop() {
    await node.stop()
    recorder.entry('stop')
  },
  propose({ value }) {
    recorder.entry('propose', { value })
    node.propose(value)
  },
  /** Hands over to whoever waits, or to who has this id. */
  async transfer({ to }) {
    const { id, token } = await node.transfer(to)
    return { id, token: Number(token) }
  },
  state: () => ({ state: node.state, isLeader: node.isLeader, holder: node.holder?.id ?? null }),
  id: () => node.id(),
  /** Runs work that lasts until it is aborted and `lingerMs` more, or fails after `failAfterMs`. */
  lead({ lingerMs = 0, failAfterMs }) {
    node.lead(async ({ token, signal }) => {
      recorder.note('work', { token })
      signal.addEventListener('abort', () => recorder.note('aborted', { token }))
      if (failAfterMs !== undefined) {
        await sleep(failAfterMs)
        throw new Error('the work failed')
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await sleep(lingerMs)
      recorder.note('worked', { token })
    })
  },
  /** Makes a guard now, to be used by `commit` later. */
  guard() {
    guarded = node.guard()
  },
  /** Whether the write took place. */
  async commit({ key, value }) {
    // A request of `guarded`’s own client: any will do.
    const { succeeded } = await guarded.then({ request_put: put(key, value) }).commit()
    return succeeded
  },
  /** Blocks the event loop; returns `isLeader` right after that, and in the first microtask. */
  async block({ ms, suspend = false }) {
    recorder.sample()
    recorder.note('blocked')
    block(ms)
    if (suspend) clock.lose(ms)
    return await firstLooks(recorder.sample())
  },
  /** The same around a SIGSTOP by its own hand and the SIGCONT that must follow. */
  async standStill() {
    recorder.note('blocked')
    return await firstLooks(standStill(recorder, 10_000))
  },
  /** Blocks the event loop as soon as this event has been told. */
  blockOn({ event, ms }) {
    blocking = { event, ms }
  },
  /** Replies once it has told of every stall so far. */
  settle: () => recorder.settle(),
  clocks: () => ({ monotonic: now(), wall: Date.now() }),
  exit: ({ code = 0 }) => process.exit(code),
})
recorder.startSampling()
recorder.note('ready')

async function firstLooks(atOnce) {
  const inMicrotask = await Promise.resolve().then(() => recorder.sample())
  return { atOnce, inMicrotask }
}

function put(key, value) {
  return { key: Buffer.from(key), value: Buffer.from(value) }
}
