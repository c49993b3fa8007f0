import { expect, test } from 'vitest'
import { locked } from '../../src/index.js'
import type { RunningCommand } from '../cli/command.js'
import { vacanciesOf } from '../etcd/vacancies.js'
import { patiently } from '../patience.js'
import { complaintsOf, etcdForExample, runExample } from './example.js'

const SHARDS = 12
/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = '120'

test('each takes its share, and the shards of one that dies are shared out among the others', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const [a, b, c] = ['a', 'b', 'c'].map((WORKER) =>
    runExample('sharded-work/main.js', { ETCD_ENDPOINTS, WORKER, TTL: '2' }),
  )
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three')
  await expectShares([a, b, c], 4)

  b.kill('SIGKILL')
  await b.exited
  await expectShares([a, c], 6)

  // One that ends on purpose need not be waited for.
  a.kill('SIGTERM')
  expect(await a.exited).toBe(0)
  await expectShares([c], SHARDS)
  c.kill('SIGTERM')
  expect(await c.exited).toBe(0)
  expect(complaintsOf(a, c)).toBe('')
})

test('one that comes is handed its share, and one that goes hands it over: no shard is vacant, or worked on by two', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const vacancies = await vacanciesOf(ETCD_ENDPOINTS, '/sharded-work/shards/')
  const workers: RunningCommand[] = []
  const join = (WORKER: string) => {
    const worker = runExample('sharded-work/main.js', { ETCD_ENDPOINTS, WORKER, TTL: AMPLE_TTL })
    workers.push(worker)
    return worker
  }
  const a = join('a')
  await expectShares([a], SHARDS)
  const b = join('b')
  await expectShares([a, b], 6)
  const c = join('c')
  await expectShares([a, b, c], 4)
  // What b and c have, they were handed over.
  await expect
    .poll(() => workers.flatMap(({ stdout }) => stdout.match(/handed shard/g) ?? []).length)
    .toBeGreaterThanOrEqual(6 + 4)

  await untilAllCompete(ETCD_ENDPOINTS, 3)
  a.kill('SIGTERM')
  expect(await a.exited).toBe(0)
  await expectShares([b, c], 6)
  expect(await vacancies.untilNow()).toEqual([])
  expectNoneWorkedOnByTwo(workers)

  await untilAllCompete(ETCD_ENDPOINTS, 2)
  b.kill('SIGTERM')
  expect(await b.exited).toBe(0)
  await expectShares([c], SHARDS)
  expect(await vacancies.untilNow()).toEqual([])
  // Nobody is left who could be handed what it has.
  c.kill('SIGTERM')
  expect(await c.exited).toBe(0)
  expect(new Set(await vacancies.untilNow()).size).toBe(SHARDS)
  expectNoneWorkedOnByTwo(workers)
  expect(complaintsOf(...workers)).toBe('')
})

/** Waits until they have shared all shards out, and nobody works on the same. */
async function expectShares(workers: readonly RunningCommand[], size: number): Promise<void> {
  await expect
    .poll(() => {
      const shares = workers.map(shardsOf)
      return { sizes: shares.map((share) => share.size), all: union(shares).size }
    })
    .toEqual({ sizes: workers.map(() => size), all: SHARDS })
}

/** What it said of its work, in order. */
function workOf({ stdout }: RunningCommand) {
  return [...stdout.matchAll(/^(\d+) (begins|ends) shard (\d+)$/gm)].map(([, at, what, shard]) => ({
    atMs: Number(at),
    begins: what === 'begins',
    shard: Number(shard),
  }))
}

/** Those that it works on now, by what it said. */
function shardsOf(worker: RunningCommand): ReadonlySet<number> {
  const shards = new Set<number>()
  for (const { begins, shard } of workOf(worker)) {
    if (begins) shards.add(shard)
    else shards.delete(shard)
  }
  return shards
}

/** Of each shard, that somebody begins only once whoever worked on it has ended. */
function expectNoneWorkedOnByTwo(workers: readonly RunningCommand[]): void {
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const turns = workers
      .flatMap((worker) => turnsOf(worker, shard))
      .sort((one, other) => one.fromMs - other.fromMs || one.toMs - other.toMs)
    for (const [index, { fromMs }] of turns.entries()) {
      expect(turns[index - 1]?.toMs ?? 0, `shard ${shard}`).toBeLessThanOrEqual(fromMs)
    }
  }
}

/** From when to when it worked on that shard. */
function turnsOf(worker: RunningCommand, shard: number) {
  const work = workOf(worker).filter((one) => one.shard === shard)
  return work
    .filter(({ begins }) => begins)
    .map(({ atMs }, turn) => ({
      fromMs: atMs,
      toMs: work.filter(({ begins }) => !begins)[turn]?.atMs ?? Number.POSITIVE_INFINITY,
    }))
}

/** Waits until so many compete for each shard: one that has handed it over enters anew after that. */
async function untilAllCompete(endpoint: string, count: number): Promise<void> {
  await using locker = locked(endpoint)
  const shards = Array.from({ length: SHARDS }, (_, shard) => `/sharded-work/shards/${shard}`)
  await patiently(async () => {
    const competitors = await Promise.all(shards.map((path) => locker.candidates(path)))
    expect(competitors.map(({ length }) => length)).toEqual(shards.map(() => count))
  })
}

function union(shares: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  return new Set(shares.flatMap((share) => [...share]))
}
