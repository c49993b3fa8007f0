// @ts-check
// Work in many shards, of which each process takes its share. When one dies, or another comes, the
// shards are shared out anew.
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import locked from 'locked'
import { shareOf } from './share.js'

const SHARDS = 12
const WORKERS = '/sharded-work/workers/'
const {
  ETCD_ENDPOINTS = '127.0.0.1:2379',
  WORKER = `${hostname()}-${process.pid}`,
  TTL = '3',
} = process.env
const ttl = Number(TTL)

// The list of workers is read with a client of our own, and the locker uses that client as well.
const client = new Etcd3({ hosts: ETCD_ENDPOINTS.split(',') })
const locker = locked(client)

// Each worker holds a path that nobody else competes for, for as long as it lives.
const presence = locker(`${WORKERS}${WORKER}`, { id: WORKER, value: 'here', ttl })

// And a shard is a path that its workers compete for. The list of workers can be out of date, and
// differently so in different processes: it only says who should try. That no shard is worked on by
// two is for the election.
const shards = Array.from({ length: SHARDS }, (_, shard) => {
  const node = locker(`/sharded-work/shards/${shard}`, { id: WORKER, value: WORKER, ttl })
  node.lead(async ({ signal }) => {
    console.log(`begins shard ${shard}`)
    while (!signal.aborted) await workOn(shard, signal)
    console.log(`ends shard ${shard}`)
  })
  return node
})

for (const node of [presence, ...shards]) {
  node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
  node.on('error', (error) => {
    console.error(error)
    process.exitCode = 1
  })
}

/** Competes for what is this worker's share now, and leaves the rest to the others. */
async function shareOut() {
  const keys = await client.getAll().prefix(WORKERS).keys()
  const workers = keys.map((key) => key.slice(WORKERS.length))
  const share = new Set(shareOf(WORKER, workers, SHARDS))
  console.log(`the share of ${WORKER} of ${workers.length} is ${[...share].join(' ') || 'nothing'}`)
  for (const [shard, node] of shards.entries()) {
    // Neither is waited for: whoever holds the shard may need a moment to end its work.
    if (share.has(shard)) node.start(() => undefined)
    else node.stop()
  }
}

let sharing = Promise.resolve()
const watcher = await client.watch().prefix(WORKERS).create()
watcher.on('put', again).on('delete', again)
// What happened while it was not connected.
watcher.on('connected', again)
await presence.start()
await again()

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await watcher.cancel()
    await locker.close()
    client.close()
  })
}

/** One after the other: what was read first must not be acted on last. */
function again() {
  sharing = sharing
    .then(shareOut)
    .catch((error) => console.error(`not shared out: ${error.message}`))
  return sharing
}

/**
 * Stands for one step of work on a shard.
 *
 * @param {number} _shard
 * @param {AbortSignal} signal
 */
async function workOn(_shard, signal) {
  await delay(100, undefined, { signal }).catch(() => undefined)
}
