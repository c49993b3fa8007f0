import { expect, test } from 'vitest'
import type { RunningCommand } from '../cli/command.js'
import { complaintsOf, etcdForExample, runExample } from './example.js'

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
  await expectShares([c], 12)
  c.kill('SIGTERM')
  expect(await c.exited).toBe(0)
  expect(complaintsOf(a, c)).toBe('')
})

/** Waits until they have shared all shards out, and nobody works on the same. */
async function expectShares(workers: readonly RunningCommand[], size: number): Promise<void> {
  await expect
    .poll(() => {
      const shares = workers.map(shardsOf)
      return { sizes: shares.map((share) => share.size), all: union(shares).size }
    })
    .toEqual({ sizes: workers.map(() => size), all: 12 })
}

/** Those that it works on now, by what it said. */
function shardsOf({ stdout }: RunningCommand): ReadonlySet<number> {
  const shards = new Set<number>()
  for (const [, what, shard] of stdout.matchAll(/^(begins|ends) shard (\d+)$/gm)) {
    if (what === 'begins') shards.add(Number(shard))
    else shards.delete(Number(shard))
  }
  return shards
}

function union(shares: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  return new Set(shares.flatMap((share) => [...share]))
}
