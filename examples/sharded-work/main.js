// @ts-check
// Work in many shards, of which each process takes its share. When one dies, or another comes, the
// shards are shared out anew, and none is without anybody meanwhile.
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import locked from 'locked'
import { workerOf } from './share.js'

const SHARDS = 12
const WORKERS = '/sharded-work/workers/'
const AGAIN_AFTER_MS = 500
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

// And a shard is a path that all workers compete for, so that there is always somebody to take it over.
// Whose share it is only says who should have it: that no shard is worked on by two is for the election.
const shards = Array.from({ length: SHARDS }, (_, shard) => {
  const node = locker(`/sharded-work/shards/${shard}`, { id: WORKER, value: WORKER, ttl })
  node.lead(async ({ signal }) => {
    say(`begins shard ${shard}`)
    while (!signal.aborted) await workOn(shard, signal)
    say(`ends shard ${shard}`)
  })
  // It may have come here because somebody died, and be another’s share.
  node.on('select', () => again())
  return node
})

for (const node of [presence, ...shards]) {
  node.on('unreachable', (error) => console.error(`unreachable: ${error.message}`))
  node.on('error', (error) => {
    console.error(error)
    process.exitCode = 1
  })
}

/** Hands over what this worker works on and is the share of another. */
async function shareOut() {
  if (isLeaving) return
  const keys = await client.getAll().prefix(WORKERS).keys()
  const workers = keys.map((key) => key.slice(WORKERS.length))
  await Promise.all(
    shards.map(async (node, shard) => {
      const worker = workerOf(shard, workers)
      if (!node.isLeader || worker === undefined || worker === WORKER) return
      try {
        // Ends the work here first, and waits for it.
        await node.transfer(worker)
        say(`handed shard ${shard} over to ${worker}`)
      } catch (error) {
        if (isLeaving) return
        // It does not wait for this shard: it has only just handed it over itself, say, or is leaving.
        console.error(`not handed over: ${error instanceof Error ? error.message : error}`)
        setTimeout(again, AGAIN_AFTER_MS).unref()
      }
    }),
  )
}

let sharing = Promise.resolve()
let isLeaving = false
const watcher = await client.watch().prefix(WORKERS).create()
watcher.on('put', again).on('delete', again)
// What happened while it was not connected.
watcher.on('connected', again)
// Whoever says that it is here can be handed every shard: it waits for all of them.
await Promise.all(shards.map((node) => node.start()))
await presence.start()
say(`${WORKER} is here`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    isLeaving = true
    await watcher.cancel()
    // Nobody hands it anything from here on; then it hands over all that it has.
    await presence.stop()
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

/** @param {string} what */
function say(what) {
  console.log(`${Date.now()} ${what}`)
}
