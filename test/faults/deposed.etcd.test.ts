import { describe, expect, test } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import { formatRenews, formatRevokes } from './deposed-report.js'
import { runRenewsSeries, runRevokesSeries } from './deposed-series.js'

// `npm run test:raft-leader` sets these.
const tries = Number(process.env.LOCKED_DEPOSED_TRIES ?? 4)
const clusters = Number(process.env.LOCKED_DEPOSED_CLUSTERS ?? 3)
const quickTtl = Number(process.env.LOCKED_DEPOSED_TTL ?? 6)
const seed = Number(process.env.LOCKED_DEPOSED_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** With eight combinations, and eight tries at a time. */
const timeout = (Math.ceil(tries / 8) * 8 * 2 * PATIENCE_MS) / clusters + 2 * PATIENCE_MS

describe('a raft leader that was frozen and deposed is thawed', () => {
  test('it renews the lease of a leader whose network freezes then: never two leaders', {
    timeout,
  }, async () => {
    const rows = await runRenewsSeries({ tries, clusters, quickTtl, seed })
    const table = formatRenews(rows)
    console.log(`seed ${seed}\n${table}`)
    expect(
      rows.flatMap(({ otherFaults }) => otherFaults),
      table,
    ).toEqual([])
    // Where etcd has revoked a lease that was renewed, a client cannot help it: see below.
    expect(
      rows.flatMap(({ overlapsMs }) => overlapsMs),
      table,
    ).toEqual([])
  })

  test('it revokes a lease that was renewed without it: the leader hears of it as soon as it can, as of an operator', {
    timeout,
  }, async () => {
    const total = await runRevokesSeries({ tries: 2 * tries, clusters, quickTtl, seed })
    const table = formatRevokes(total)
    console.log(`seed ${seed}\n${table}`)
    expect(total.tries, table).toBeGreaterThan(0)
    expect(total.otherFaults, table).toEqual([])
    // Whoever is not cut off hears of it before anybody else leads, and whoever is, afterwards.
    expect(total.overlapsMs, table).toEqual([])
    expect(total.deselectedForNothing, table).toBe(0)
    for (const { reason } of total.ends) expect(['vacated', 'expired']).toContain(reason)
  })
})
