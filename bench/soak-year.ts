// `npm run soak:year -- --days 365`: a year of three processes, on a clock that is sped up: renewals
// every half a minute, a hand-over a day, a connection that is lost once a week and a process that
// dies once a month, and nodes that come and go every hour. Memory is flat in the end, whatever
// happened; otherwise it ends with exit code 1.

import { parseArgs } from 'node:util'
import { type Locker, locked } from '../src/index.js'
import type { LockedNode } from '../src/node.js'
import { Link } from '../src/stores/link.js'
import { MemoryStore } from '../src/stores/memory.js'
import { VirtualClock } from '../src/testing/virtual-clock.js'
import { collector } from '../test/load/collector.js'

const TTL = 60
const PATHS = 5
const HOUR_MS = 3_600_000
const OUTAGE_MS = 300_000
/** How often memory is looked at. */
const PERIODS = 12
/** The first ones are left out: what V8 keeps has come to rest by then. */
const SETTLED = 3
const MOST_GROWTH = 1.05

const { values } = parseArgs({ options: { days: { type: 'string', default: '365' } } })
const days = Number(values.days)
if (!(Number.isSafeInteger(days) && days >= PERIODS)) {
  console.error(`soak: --days must be a whole number, ${PERIODS} or more, was given ${values.days}`)
  process.exit(2)
}

interface Process {
  readonly link: Link
  readonly locker: Locker
  readonly nodes: readonly LockedNode[]
}

const clock = new VirtualClock()
const store = new MemoryStore(clock)
const counts = { renewals: 0, elections: 0, outages: 0, deaths: 0, passing: 0 }
const faults: string[] = []
const collect = collector()

const processes = [makeProcess('a'), makeProcess('b'), makeProcess('c')]
const heaps: number[] = []
for (let day = 0; day < days; day += 1) {
  await liveADay(day)
  if (Math.floor(((day + 1) * PERIODS) / days) > heaps.length) {
    collect()
    heaps.push(process.memoryUsage().heapUsed)
    console.error(`day ${day + 1}: ${megabytes(heaps.at(-1) ?? 0)} MB, ${JSON.stringify(counts)}`)
  }
}

const settled = heaps.slice(SETTLED)
const half = Math.floor(settled.length / 2)
const growth = Math.min(...settled.slice(half)) / Math.min(...settled.slice(0, half))
if (growth > MOST_GROWTH) faults.push(`memory grew by a factor of ${growth.toFixed(3)}`)

console.log(`${days} days of ${processes.length} processes with ${PATHS} paths, ttl ${TTL} s`)
console.log(
  `${counts.renewals} renewals, ${counts.elections} elections, ${counts.outages} outages, ${counts.deaths} processes that died, ${counts.passing} nodes that came and went`,
)
console.log(`memory in the second half: a factor of ${growth.toFixed(3)} of that in the first`)
console.log(faults.length === 0 ? 'no faults' : `faults:\n${faults.join('\n')}`)
process.exitCode = faults.length === 0 ? 0 : 1

async function liveADay(day: number): Promise<void> {
  for (let hour = 0; hour < 24; hour += 1) {
    const { locker } = processes[hour % processes.length] ?? unreachable()
    const passing = locker(`/passing/${hour}`, { id: 'passing', value: day, ttl: TTL })
    await during(passing.start())
    await during(passing.stop())
    counts.passing += 1
    await clock.advance(HOUR_MS)
  }
  await handOver(day)
  if (day % 7 === 6) await loseConnection(day)
  if (day % 30 === 29) await die(day)
  // What has happened is kept, up to a number.
  store.compact()
  const led = Array.from({ length: PATHS }, (_, path) => leaderOf(path))
  if (led.includes(undefined)) faults.push(`day ${day}: a path without a leader`)
}

/** The leader of a path stops, and starts again. */
async function handOver(day: number): Promise<void> {
  const leader = leaderOf(day % PATHS)
  if (leader === undefined) return
  await during(leader.stop())
  await during(leader.start())
}

async function loseConnection(day: number): Promise<void> {
  const { link } = processes[day % processes.length] ?? unreachable()
  counts.outages += 1
  if (day % 2 === 0) link.cut()
  else link.freeze()
  await clock.advance(OUTAGE_MS)
  link.heal()
  await clock.advance(OUTAGE_MS)
}

async function die(day: number): Promise<void> {
  const index = day % processes.length
  const { link, nodes } = processes[index] ?? unreachable()
  counts.deaths += 1
  link.kill()
  for (const node of nodes) node.actor.stop()
  processes[index] = makeProcess(`of day ${day}`)
  await clock.advance(OUTAGE_MS)
}

function makeProcess(id: string): Process {
  const link = new Link(store, clock)
  const locker = locked(link, { clock })
  const nodes = Array.from({ length: PATHS }, (_, path) => {
    const node = locker(`/soak/${path}`, { id, value: path, ttl: TTL })
    node.on('select', () => {
      counts.elections += 1
    })
    node.on('error', (error) => faults.push(`${id}: ${error.message}`))
    if (path === 0) {
      node.on('refresh', () => {
        counts.renewals += 1
      })
    }
    void node.start()
    return node
  })
  return { link, locker, nodes }
}

function leaderOf(path: number): LockedNode | undefined {
  return processes.map(({ nodes }) => nodes[path]).find((node) => node?.isLeader)
}

/** Lets time pass until that is done. */
async function during(doing: Promise<unknown>): Promise<void> {
  let isDone = false
  const done = doing.then(() => {
    isDone = true
  })
  while (!isDone) await clock.advance(10)
  await done
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function unreachable(): never {
  throw new Error('unreachable')
}
