// `npm run scale [-- --quick]`: measures what a node, a process, a lease and a reign cost etcd, each by the
// difference between few and many; computes from it what very many would cost; and checks where this machine
// can. Prints tables in Markdown.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Etcd3 } from 'etcd3'
import { startEtcd } from '../../test/etcd/index.js'
import { TTL } from '../contenders/contender.js'
import { LockersProcess } from './lockers-process.js'
import { between, type Counted, countedBy } from './metrics.js'

const NOTHING: Counted = {
  requests: 0,
  bytesIn: 0,
  bytesOut: 0,
  processorMs: 0,
  watches: 0,
  revision: 0,
  memory: 0,
}
const TTL_MS = TTL * 1_000
/**
 * What etcd and V8 do on behalf of a start is over by then. A process that was busy as it began has renewed a
 * little earlier than need be, until sixteen renewals have been prompt.
 */
const SETTLE_MS = 9 * TTL_MS
/** Until candidates have entered, and leaders know of them. */
const ENTERED_MS = 5_000

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const scaled = (number: number) => (values.quick ? Math.ceil(number / 20) : number)

/** At rest for one ttl, in one etcd, with so many of each. */
interface AtRest {
  readonly processes: number
  /** Lockers in each process: each is to etcd what a process with one locker is. */
  readonly lockers: number
  readonly paths: number
}

async function atRest({ processes, lockers, paths }: AtRest) {
  await using etcd = await startEtcd()
  const all = Array.from({ length: processes }, () => new LockersProcess(etcd.endpoint))
  try {
    // One after the other: hundreds of processes that begin at once would have to wait for each other.
    for (const [index, one] of all.entries()) {
      await one.ask({ call: 'start', lockers, paths: pathsOf(`/scale/${index}`, paths) })
    }
    await sleep(SETTLE_MS)
    const before = await countedBy(etcd.endpoint)
    await sleep(TTL_MS)
    const counted = between(before, await countedBy(etcd.endpoint))
    const heap = (await all[0]?.ask({ call: 'heap' })) ?? 0
    console.error(`${processes} processes, ${lockers} lockers, ${paths} paths: ${said(counted)}`)
    return { ...counted, heap }
  } finally {
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()))
  }
}

/** So many leases, each renewed twice in a ttl with the read that confirms it: what a process at rest asks for. */
async function leases(count: number): Promise<Counted> {
  await using etcd = await startEtcd()
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  try {
    const granted: string[] = []
    while (granted.length < count) {
      const some = Array.from({ length: Math.min(200, count - granted.length) }, () =>
        client.leaseClient.leaseGrant({ TTL }),
      )
      granted.push(...(await Promise.all(some)).map(({ ID }) => ID))
    }
    const stream = await client.leaseClient.leaseKeepAlive()
    stream.on('data', () => undefined)
    const renewAll = async () => {
      for (const [index, ID] of granted.entries()) {
        stream.write({ ID })
        if (index % 100 === 0) await client.kv.range({ key: Buffer.from('/scale') })
        else void client.kv.range({ key: Buffer.from('/scale') }).catch(() => undefined)
      }
    }
    const before = await countedBy(etcd.endpoint)
    const begunAt = performance.now()
    for (const turn of [1, 2]) {
      await renewAll()
      await sleep(Math.max(0, (turn * TTL_MS) / 2 - (performance.now() - begunAt)))
    }
    const counted = between(before, await countedBy(etcd.endpoint))
    console.error(
      `${count} leases: ${said(counted)}, ${Math.round(performance.now() - begunAt)} ms`,
    )
    return counted
  } finally {
    client.close()
  }
}

/** Of one hand-over: the difference between what there was and what there is when all have been made. */
async function reigns(count: number): Promise<Counted> {
  await using etcd = await startEtcd()
  await using leader = new LockersProcess(etcd.endpoint)
  await using candidate = new LockersProcess(etcd.endpoint)
  const paths = pathsOf('/scale/reigns', count)
  await leader.ask({ call: 'start', lockers: 1, paths })
  await candidate.ask({ call: 'start', lockers: 1, paths })
  await sleep(ENTERED_MS)
  const before = await countedBy(etcd.endpoint)
  await Promise.all([leader.ask({ call: 'stop' }), candidate.ask({ call: 'lead' })])
  const counted = between(before, await countedBy(etcd.endpoint))
  console.error(`${count} hand-overs: ${said(counted)}`)
  return counted
}

function pathsOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}/${index}`)
}

function said(counted: Counted): string {
  return Object.entries(counted)
    .map(([name, number]) => `${name} ${Math.round(number)}`)
    .join(', ')
}

/** For each of the `by` more of them. */
function each(few: Counted, many: Counted, by: number): Counted {
  const of = (name: keyof Counted) => (many[name] - few[name]) / by
  return {
    requests: of('requests'),
    bytesIn: of('bytesIn'),
    bytesOut: of('bytesOut'),
    processorMs: of('processorMs'),
    watches: of('watches'),
    revision: of('revision'),
    memory: of('memory'),
  }
}

const [few, many] = [scaled(100), scaled(5_000)]
const fewNodes = await atRest({ processes: 1, lockers: 1, paths: few })
const manyNodes = await atRest({ processes: 1, lockers: 1, paths: many })
const node = each(fewNodes, manyNodes, many - few)
const nodeHeap = (manyNodes.heap - fewNodes.heap) / (many - few)

const PROCESSES = 4
const lockers = scaled(400)
const fewLockers = await atRest({ processes: PROCESSES, lockers: 1, paths: 1 })
const manyLockers = await atRest({ processes: PROCESSES, lockers, paths: 1 })
const locker = each(fewLockers, manyLockers, PROCESSES * (lockers - 1))

const count = scaled(2_000)
const inAll = await reigns(count)
const reign = each(NOTHING, inAll, count)

const LEASES = scaled(20_000)
const renewed = await leases(LEASES)

const bigProcess = await atRest({ processes: 1, lockers: 1, paths: scaled(50_000) })
const real = scaled(200)
const realProcesses = await atRest({ processes: real, lockers: 1, paths: 1 })

table(
  [
    'for each, in one ttl of 10 s',
    'requests',
    'KB in',
    'KB out',
    'etcd’s processor ms',
    'watches',
    'KB of etcd’s memory',
    'KB of the process',
  ],
  [
    ['process with one path, at rest', ...costs(locker), ''],
    ['path more in a process, at rest', ...costs(node), rounded(nodeHeap / 1_000)],
    // What etcd keeps then is no more than before.
    ['hand-over (once, not in a ttl)', ...costs(reign).slice(0, 4), '', '', ''],
  ],
)
table(
  [
    'computed for',
    'leases',
    'requests a second',
    'watches',
    'KB a second in',
    'KB a second out',
    'processors of etcd',
    'MB of etcd’s memory',
  ],
  [
    computed('1,000 processes of 1,000 paths', 1_000, 1_000),
    computed('100,000 processes of one path', 100_000, 1),
    computed('100,000 processes of one path, ttl 60 s', 100_000, 1, 60),
  ],
)
table(
  [
    'checked',
    'requests in a ttl',
    'computed',
    'etcd’s processor ms',
    'computed',
    'watches',
    'MB of etcd’s memory',
    'MB of the process',
  ],
  [
    checked(`${scaled(50_000)} nodes in one process`, bigProcess, 1, scaled(50_000)),
    checked(`${real} processes`, realProcesses, real, 1),
    [
      `${LEASES} leases, renewed as those of as many processes, by bare requests`,
      rounded(renewed.requests),
      rounded(locker.requests * LEASES),
      rounded(renewed.processorMs),
      rounded(locker.processorMs * LEASES),
      '',
      rounded(renewed.memory / 1e6),
      '',
    ],
  ],
)

function costs({ requests, bytesIn, bytesOut, processorMs, watches, memory }: Counted) {
  return [requests, bytesIn / 1_000, bytesOut / 1_000, processorMs, watches, memory / 1_000].map(
    rounded,
  )
}

function computed(what: string, processes: number, paths: number, ttl = TTL): readonly string[] {
  const nodes = processes * (paths - 1)
  const of = (name: keyof Counted) => processes * locker[name] + nodes * node[name]
  return [
    what,
    processes.toLocaleString('en'),
    rounded(of('requests') / ttl),
    rounded(of('watches')),
    rounded(of('bytesIn') / 1_000 / ttl),
    rounded(of('bytesOut') / 1_000 / ttl),
    rounded(of('processorMs') / 1_000 / ttl),
    rounded(of('memory') / 1e6),
  ]
}

function checked(
  what: string,
  counted: Counted & { readonly heap: number },
  processes: number,
  paths: number,
): readonly string[] {
  const of = (name: keyof Counted) =>
    processes * locker[name] + processes * (paths - 1) * node[name]
  return [
    what,
    rounded(counted.requests),
    rounded(of('requests')),
    rounded(counted.processorMs),
    rounded(of('processorMs')),
    rounded(counted.watches),
    rounded(counted.memory / 1e6),
    rounded(counted.heap / 1e6),
  ]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const cells of [head, head.map(() => '---'), ...rows])
    console.log(`| ${cells.join(' | ')} |`)
  console.log()
}

function rounded(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(2)))
}
