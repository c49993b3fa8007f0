import { expect, test } from 'vitest'
import { UnconfirmedError } from '../../src/errors.js'
import { Session } from '../../src/sessions/session.js'
import { MemoryStore } from '../../src/stores/memory.js'
import type { Call, Lease } from '../../src/stores/store.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

const TTL = 10

/** A store some of whose renewals come from a member that the others no longer listen to. */
class DoubtfulStore extends MemoryStore {
  /** How many renewals to come are not confirmed. */
  doubtful = 0
  renewals = 0
  isBroken = false

  override renew(lease: Lease, call?: Call, paths: Iterable<string> = []): Promise<number> {
    this.renewals += 1
    if (this.isBroken) throw new Error('the store is broken')
    return this.#renew(lease, call, paths)
  }

  async #renew(lease: Lease, call?: Call, paths: Iterable<string> = []): Promise<number> {
    expect([...paths]).toEqual(['/path'])
    expect(call?.timeoutMs).toBeGreaterThan(0)
    if (this.doubtful === 0) return await super.renew(lease)
    this.doubtful -= 1
    throw new UnconfirmedError('of another term')
  }
}

async function open() {
  const clock = new VirtualClock()
  const store = new DoubtfulStore(clock)
  const session = await Session.open(store, clock, TTL, ['/path'], 1_000)
  const troubles: number[] = []
  let ended = 0
  session.subscribe({
    retrying: (_error, attempt) => troubles.push(attempt),
    ended: () => {
      ended += 1
    },
  })
  return { clock, store, session, troubles, ended: () => ended }
}

test('a renewal that may not count is repeated at once, and is no trouble', async () => {
  const { clock, store, session, troubles } = await open()
  store.doubtful = 1
  await clock.advance((TTL / 2) * 1_000)
  expect(store.renewals).toBe(2)
  expect(session.validityMs).toBe(9_000)
  expect(troubles).toEqual([])
})

test('renewals none of which counts do not prolong validity, and are told', async () => {
  const { clock, store, session, troubles, ended } = await open()
  store.doubtful = Number.POSITIVE_INFINITY
  await clock.advance((TTL / 2) * 1_000)
  expect(session.validityMs).toBe(4_000)
  expect(store.renewals).toBe(2)
  expect(troubles).toEqual([1])
  await clock.advance(4_000)
  expect(session.isValid).toBe(false)
  expect(ended()).toBe(1)
  // Repeating at once must not become a loop.
  expect(store.renewals).toBeLessThan(40)
})

test('a renewal that throws instead of rejecting is told, and repeated, and on its way no more', async () => {
  const { clock, store, session, troubles } = await open()
  store.isBroken = true
  await clock.advance((TTL / 2) * 1_000)
  expect(troubles).toEqual([1])
  store.isBroken = false
  session.renewNow()
  await clock.advance(0)
  expect(store.renewals).toBe(2)
  expect(session.validityMs).toBe(9_000)
})
