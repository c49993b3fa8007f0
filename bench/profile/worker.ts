// `worker ENDPOINT PATHS [--profile]`: elects nodes for so many paths in one process, from nothing, and stops
// them. Prints what each of the two took, and with `--profile` whose functions ran meanwhile, as JSON.
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import locked from '../../src/index.js'
import { collector } from '../../test/load/collector.js'
import { now } from '../now.js'
import { type Share, sharesOf } from './shares.js'

/** Who waits has been asked for by then. */
const SETTLE_MS = 5_000
/** In microseconds. */
const SAMPLED_EVERY_US = 200

export interface Work {
  readonly ms: number
  readonly shares: readonly Share[]
}

export interface Worked {
  readonly elected: Work
  readonly stopped: Work
  /** What a leader takes besides what its locker’s user has made of it. */
  readonly kb: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'boolean', default: false } },
})
const [endpoint = '', paths = ''] = positionals
const locker = locked(endpoint)
const nodes = Array.from({ length: Number(paths) }, (_, index) =>
  locker(`/bench/profile/${index}`, { id: `node-${index}`, value: 10, ttl: 60 }),
)
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: SAMPLED_EVERY_US })
const collect = collector()
collect()
const { heapUsed } = process.memoryUsage()
const elected = await measured(() => Promise.all(nodes.map((node) => node.start())))
await sleep(SETTLE_MS)
collect()
const kb = (process.memoryUsage().heapUsed - heapUsed) / nodes.length / 1_000
const stopped = await measured(() => Promise.all(nodes.map((node) => node.stop())))
process.stdout.write(JSON.stringify({ elected, stopped, kb } satisfies Worked))
process.exit()

async function measured(work: () => Promise<unknown>): Promise<Work> {
  if (values.profile) await session.post('Profiler.start')
  const startedAt = now()
  await work()
  const ms = now() - startedAt
  if (!values.profile) return { ms, shares: [] }
  const { profile } = await session.post('Profiler.stop')
  return { ms, shares: sharesOf(profile) }
}
