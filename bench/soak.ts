// `npm run soak -- --minutes 10`: 2,000 nodes on 1,000 paths in two processes, and leaders that stop
// and start again at random. In the end memory is flat, nothing has gone wrong, and every request
// that etcd has received is accounted for; otherwise it ends with exit code 1.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startEtcd } from '../test/etcd/index.js'
import { requestsByMethod } from './requests.js'
import type { SoakCounts } from './soak-worker.js'

const TTL = 10
const PROCESSES = 2
/** What is remembered for a while (etcd's compiled code, V8's caches) has settled by then. */
const SETTLED_SHARE = 0.4
const MOST_GROWTH = 1.1

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    paths: { type: 'string', default: '1000' },
  },
})
const minutes = Number(values.minutes)
const paths = Number(values.paths)
if (!(minutes > 0)) fail(`--minutes must be a number above 0, was given ${values.minutes}`)
if (!(Number.isSafeInteger(paths) && paths > 0)) {
  fail(`--paths must be a whole number above 0, was given ${values.paths}`)
}

await using etcd = await startEtcd()
const before = await requestsByMethod(etcd.endpoint)
const script = fileURLToPath(new URL('soak-worker.js', import.meta.url))
const workers = Array.from({ length: PROCESSES }, (_, index) =>
  fork(script, [etcd.endpoint, `${paths}`, `${TTL}`, `process-${index}`], {
    execArgv: ['--expose-gc'],
  }),
)
await Promise.all(workers.map((worker) => ask(worker, 'start')))

const startedAt = performance.now()
const lastsMs = minutes * 60_000
const heaps: number[][] = []
while (performance.now() - startedAt < lastsMs) {
  await Promise.all(workers.map((worker) => ask(worker, 'change')))
  const counts = await Promise.all(workers.map((worker) => ask(worker, 'count')))
  heaps.push(counts.map(({ heapBytes }) => heapBytes))
  const told = counts.map(({ heapBytes, cycles }) => `${megabytes(heapBytes)} MB, ${cycles} cycles`)
  console.error(`${Math.round((performance.now() - startedAt) / 1_000)} s: ${told.join('; ')}`)
  await sleep(Math.min(5_000, Math.max(0, lastsMs - (performance.now() - startedAt))))
}
const counts = await Promise.all(workers.map((worker) => ask(worker, 'count')))
const after = await requestsByMethod(etcd.endpoint)
for (const worker of workers) worker.kill()

const faults = counts.flatMap(({ faults }) => faults)
const grown = workers.map((_, index) => {
  const settled = heaps.slice(Math.floor(heaps.length * SETTLED_SHARE)).map((at) => at[index] ?? 0)
  const half = Math.ceil(settled.length / 2)
  return Math.min(...settled.slice(-half)) / Math.min(...settled.slice(0, half))
})
for (const factor of grown) {
  if (factor > MOST_GROWTH) faults.push(`memory grew by a factor of ${factor.toFixed(2)}`)
}

// What the nodes' doings can have cost. Claims and releases travel together, so that most is less.
const cycles = counts.reduce((sum, count) => sum + count.cycles, 0)
const elections = counts.reduce((sum, count) => sum + count.elections, 0)
const seconds = (performance.now() - startedAt) / 1_000
// One in each half of a ttl, and no more than one in each quarter where they take long.
const renewals = PROCESSES * Math.ceil(seconds / (TTL / 4) + 1)
const allowed: Readonly<Record<string, number>> = {
  LeaseGrant: PROCESSES,
  LeaseKeepAlive: renewals,
  // A cycle is a notice, a deletion and a claim, and every vacancy is claimed by the other process.
  Txn: PROCESSES * paths + 4 * cycles,
  // A watch is made and closed for every node that is not in a group.
  Watch: PROCESSES * 40 + 4 * cycles,
  // One for each renewal, which it confirms, and one for each watch that began in the past; a group does.
  Range: renewals + PROCESSES * 4,
}
const received = Object.entries(after).map(
  ([method, number]) => [method, number - (before[method] ?? 0)] as const,
)
for (const [method, number] of received) {
  if (number > (allowed[method] ?? 0)) {
    faults.push(`${number} ${method} requests, of which ${allowed[method] ?? 0} are accounted for`)
  }
}

console.log(`${PROCESSES * paths} nodes on ${paths} paths for ${Math.round(seconds)} s`)
console.log(`${cycles} times a leader stopped and started again; ${elections} elections`)
console.log(
  `memory at the end: a factor of ${grown.map((factor) => factor.toFixed(3)).join(' and ')}`,
)
console.log(`requests: ${received.map(([method, number]) => `${number} ${method}`).join(', ')}`)
console.log(faults.length === 0 ? 'no faults' : `faults:\n${faults.join('\n')}`)
process.exitCode = faults.length === 0 ? 0 : 1

async function ask(worker: ChildProcess, call: 'start' | 'change' | 'count'): Promise<SoakCounts> {
  const answered = once(worker, 'message')
  worker.send(call)
  const [counts] = await answered
  return counts
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function fail(message: string): never {
  console.error(`soak: ${message}`)
  process.exit(2)
}
