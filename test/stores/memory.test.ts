import { describe, expect, test } from 'vitest'
import { LeaseGoneError } from '../../src/errors.js'
import { MemoryStore, memoryStoreNamed } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { describeCandidates } from './candidates-contract.js'
import { describeStore, type StoreUnderTest } from './contract.js'
import { Recorder } from './recorder.js'

const make = async (): Promise<StoreUnderTest> => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  return {
    store,
    peer: store,
    ttl: { shortest: 2, ample: 600 },
    operator: {
      put: async (path, text) => {
        store.put(path, text)
      },
      delete: async (path) => {
        store.delete(path)
      },
      revoke: async (leaseId) => {
        store.expire(leaseId)
      },
      compact: async () => store.compact(),
    },
    elapse: (ms) => clock.advance(ms),
    stop: async () => {
      expect(store.watchers).toBe(0)
      expect(clock.timers).toBe(0)
    },
  }
}

describeStore('MemoryStore', make)
describeCandidates('MemoryStore', make)

function makeStore() {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const recorder = new Recorder()
  return { clock, store, recorder }
}

describe('MemoryStore, leases', () => {
  test('expire at their deadline, not a millisecond before it', async () => {
    const { clock, store, recorder } = makeStore()
    const lease = await store.grant(2)
    await store.claim('p', 'me', lease)
    store.watch('p', 3, recorder)
    await clock.advance(1_999)
    expect(recorder.texts).toEqual([])
    await clock.advance(1)
    expect(recorder.texts).toEqual([null])
    expect(store.leases()).toEqual([])
  })

  test('run on the monotonic clock: a wall clock that jumps or a suspended machine ends none', async () => {
    const { clock, store } = makeStore()
    const lease = await store.grant(2)
    await store.claim('p', 'me', lease)
    clock.jumpWall(3_600_000)
    clock.suspend(3_600_000)
    await clock.advance(1_999)
    expect(store.entries().has('p')).toBe(true)
    clock.jumpWall(-7_200_000)
    await clock.advance(1)
    expect(store.entries().has('p')).toBe(false)
  })

  test('are over at their deadline even when timers are late', async () => {
    let nowMs = 0
    const late = { now: () => nowMs, wallNow: () => 0, setTimeout: () => 0, clearTimeout() {} }
    const store = new MemoryStore(late)
    const recorder = new Recorder()
    await store.claim('p', 'me', await store.grant(2))
    const lease = await store.grant(3)
    store.watch('p', 3, recorder)
    nowMs = 2_000
    expect(await store.claim('p', 'other', lease)).toEqual({ won: true, token: 4 })
    expect(recorder.texts).toEqual([null, 'other'])
    expect(recorder.sightings.map(({ revision }) => revision)).toEqual([3, 4])
  })

  test('that end together end in the order of their deadlines, a revision each', async () => {
    const { clock, store } = makeStore()
    const long = await store.grant(2)
    const short = await store.grant(1)
    await store.claim('long', 'x', long)
    await store.claim('short', 'x', short)
    await clock.advance(5_000)
    const recorders = [new Recorder(), new Recorder()]
    store.watch('short', 4, recorders[0] ?? new Recorder())
    store.watch('long', 4, recorders[1] ?? new Recorder())
    await clock.advance(0)
    expect(recorders.map(({ sightings }) => sightings)).toEqual([
      [{ entry: null, revision: 4 }],
      [{ entry: null, revision: 5 }],
    ])
  })

  test('are listed with the time they have left', async () => {
    const { clock, store } = makeStore()
    const lease = await store.grant(2)
    await clock.advance(500)
    expect(store.leases()).toEqual([{ id: lease.id, ttlMs: 2_000, leftMs: 1_500 }])
    await store.renew(lease)
    expect(store.leases()).toEqual([{ id: lease.id, ttlMs: 2_000, leftMs: 2_000 }])
  })

  test('of months are waited for, though timers of Node.js reach only 24 days', async () => {
    const day = 86_400_000
    class NodeClock extends VirtualClock {
      override setTimeout(callback: () => void, delayMs: number): unknown {
        expect(delayMs).toBeLessThan(2 ** 31)
        return super.setTimeout(callback, delayMs)
      }
    }
    const clock = new NodeClock()
    const store = new MemoryStore(clock)
    const recorder = new Recorder()
    await store.claim('p', 'me', await store.grant((60 * day) / 1_000))
    store.watch('p', 3, recorder)
    await clock.advance(60 * day - 1)
    expect(recorder.texts).toEqual([])
    await clock.advance(1)
    expect(recorder.texts).toEqual([null])
  })
})

describe('MemoryStore, timers', () => {
  test('are set only while a lease can expire and a watch would hear of it', async () => {
    const { clock, store, recorder } = makeStore()
    expect(clock.timers).toBe(0)
    const lease = await store.grant(2)
    expect(clock.timers).toBe(0)
    const watch = store.watch('p', 1, recorder)
    expect(clock.timers).toBe(1)
    await store.renew(lease)
    const other = await store.grant(1)
    expect(clock.timers).toBe(1)
    await store.revoke(other)
    await store.revoke(lease)
    expect(clock.timers).toBe(0)
    await store.grant(2)
    expect(clock.timers).toBe(1)
    watch.close()
    expect(clock.timers).toBe(0)
  })

  test('are gone once the last lease expired', async () => {
    const { clock, store, recorder } = makeStore()
    store.watch('p', 1, recorder)
    await store.grant(1)
    await store.grant(2)
    await clock.advance(2_000)
    expect(clock.timers).toBe(0)
    expect(store.watchers).toBe(1)
  })
})

describe('MemoryStore, revisions', () => {
  test('grow by one for each change, and by none for what changes nothing', async () => {
    const { store } = makeStore()
    const lease = await store.grant(2)
    expect(store.put('a', 'x')).toBe(2)
    expect(store.delete('b')).toBe(false)
    expect(store.expire('unknown')).toBe(false)
    await store.revoke(lease)
    expect(store.delete('a')).toBe(true)
    expect((await store.read('a')).revision).toBe(3)
  })

  test('an operator who overwrites a key keeps its create revision', () => {
    const { store } = makeStore()
    store.put('a', 'x')
    store.put('a', 'y')
    expect(store.entries()).toEqual(
      new Map([['a', { text: 'y', token: 2, revision: 3, lease: null }]]),
    )
  })

  test('all keys of a lease go in one', async () => {
    const { store } = makeStore()
    const lease = await store.grant(2)
    await Promise.all(['a', 'b', 'c'].map((path) => store.claim(path, 'x', lease)))
    expect(store.expire(lease.id)).toBe(true)
    expect(await store.read('a')).toEqual({ entry: null, revision: 5 })
  })
})

describe('MemoryStore, history', () => {
  test('can be compacted to any revision so far, and to no other', async () => {
    const { clock, store } = makeStore()
    for (const text of ['a', 'b', 'c']) store.put('p', text)
    expect(() => store.compact(5)).toThrow('compact: revision must be an integer from 1 to 4')
    expect(() => store.compact(0)).toThrow(RangeError)
    store.compact(3)
    store.compact(2)
    const [kept, dropped] = [new Recorder(), new Recorder()]
    store.watch('p', 3, kept)
    store.watch('p', 2, dropped)
    await clock.advance(0)
    expect(kept.texts).toEqual(['b', 'c'])
    expect(dropped.sightings).toEqual([await store.read('p')])
  })

  test('is bounded: the oldest changes are compacted, the newest 5,000 never are', async () => {
    const { clock, store } = makeStore()
    for (let count = 1; count <= 25_000; count += 1) store.put('p', String(count))
    const [early, recent] = [new Recorder(), new Recorder()]
    store.watch('p', 10_000, early)
    store.watch('p', 25_001 - 4_999, recent)
    await clock.advance(0)
    expect(early.texts).toEqual(['25000'])
    expect(recent.texts).toHaveLength(5_000)
  })
})

describe('MemoryStore, watches', () => {
  test('hear nothing inside the operator call that changes their path', async () => {
    const { store, recorder } = makeStore()
    store.watch('p', 1, recorder)
    store.put('p', 'x')
    store.delete('p')
    expect(recorder.texts).toEqual([])
    await recorder.firstOf(null)
    expect(recorder.texts).toEqual(['x', null])
  })

  test('from a revision to come hear nothing before it', async () => {
    const { clock, store, recorder } = makeStore()
    store.watch('p', 4, recorder)
    for (const text of ['two', 'three', 'four']) store.put('p', text)
    await clock.advance(0)
    expect(recorder.texts).toEqual(['four'])
  })

  test('that are closed twice do not close one that came after', async () => {
    const { clock, store, recorder } = makeStore()
    const first = store.watch('p', 1, new Recorder())
    first.close()
    store.watch('p', 1, recorder)
    first.close()
    expect(store.watchers).toBe(1)
    store.put('p', 'x')
    await clock.advance(0)
    expect(recorder.texts).toEqual(['x'])
  })
})

describe('MemoryStore, a history that is replaced', () => {
  /** Holds `p` and `q` at revisions 2 and 3, of which the backup knows `p` alone. */
  async function makeHeldStore() {
    const { clock, store, recorder } = makeStore()
    const lease = await store.grant(10)
    await store.claim('p', 'old', lease)
    await clock.advance(4_000)
    const backup = store.backup()
    await store.claim('q', 'new', await store.grant(10))
    return { clock, store, recorder, lease, backup }
  }

  test('begins anew when everything is lost', async () => {
    const { store, lease } = await makeHeldStore()
    store.restore()
    expect(store.entries().size).toBe(0)
    expect(store.leases()).toEqual([])
    expect(await store.read('p')).toEqual({ entry: null, revision: 1 })
    await expect(store.renew(lease)).rejects.toThrow('no longer exists')
    const next = await store.grant(10)
    // A lease of the history before is never taken for one of this.
    expect(next.id).toBe('3')
    expect(await store.claim('p', 'me', next)).toEqual({ won: true, token: 2 })
  })

  test('is the one of the backup again, whose leases have their whole ttl left', async () => {
    const { clock, store, lease, backup } = await makeHeldStore()
    const held = { text: 'old', token: 2, revision: 2, lease: lease.id }
    await clock.advance(20_000)
    store.put('p', 'newer')
    store.restore(backup)
    expect(store.leases()).toEqual([{ ...lease, leftMs: 10_000 }])
    expect(store.entries()).toEqual(new Map([['p', held]]))
    expect(store.put('q', 'x')).toBe(3)
    await clock.advance(9_999)
    expect(await store.read('p')).toEqual({ entry: held, revision: 3 })
    await clock.advance(1)
    expect(await store.read('p')).toEqual({ entry: null, revision: 4 })
  })

  test('can be another store’s, and does not change with what comes after', async () => {
    const { store, lease, backup } = await makeHeldStore()
    store.delete('p')
    const other = makeStore().store
    for (const _ of [1, 2]) {
      other.restore(backup)
      expect(other.entries().get('p')?.text).toBe('old')
      await other.release('p', { token: 2, lease: lease.id }, null)
      expect((await other.read('p')).entry).toBeNull()
    }
  })

  test('goes on above the revisions of the one before, if its revision is bumped', async () => {
    const { store, backup } = await makeHeldStore()
    store.restore(backup, { bumpRevision: 1_000 })
    expect(await store.read('p')).toMatchObject({ entry: { token: 2 }, revision: 1_002 })
    expect(store.put('q', 'x')).toBe(1_003)
    expect(() => store.restore(backup, { bumpRevision: -1 })).toThrow(RangeError)
  })

  test('is told of at once, before anything that it holds', async () => {
    const { clock, store, recorder, backup } = await makeHeldStore()
    const told: (string | null)[] = []
    store.onReset(() => {
      expect(recorder.texts).toEqual([])
      told.push(store.entries().get('p')?.text ?? null)
    })
    store.watch('p', 3, recorder)
    store.restore(backup, { bumpRevision: 10 })
    expect(told).toEqual(['old'])
    await clock.advance(0)
    expect(recorder.sightings.splice(0)).toEqual([await store.read('p')])
    store.restore()
    expect(told).toEqual(['old', null])
  })

  test('says nothing to a watch of the one before until it comes to its revision', async () => {
    const { clock, store, recorder, backup } = await makeHeldStore()
    store.put('p', 'newer')
    store.watch('p', 4, recorder)
    await clock.advance(0)
    store.restore(backup)
    for (const text of ['three', 'four', 'five']) store.put('p', text)
    await clock.advance(0)
    expect(recorder.texts).toEqual(['newer', 'five'])
  })

  test('tells a watch that it has overtaken how its path is now', async () => {
    const { clock, store, recorder, backup } = await makeHeldStore()
    const [late, latest, next] = [new Recorder(), new Recorder(), new Recorder()]
    store.watch('p', 4, recorder)
    store.restore(backup, { bumpRevision: 1_000 })
    store.watch('p', 4, late)
    store.watch('p', 1_002, latest)
    store.watch('p', 1_003, next)
    await clock.advance(0)
    expect(recorder.sightings).toEqual([await store.read('p')])
    expect(late.sightings).toEqual(recorder.sightings)
    expect(latest.sightings).toEqual(recorder.sightings)
    expect(next.sightings).toEqual([])
    store.put('p', 'next')
    await clock.advance(0)
    expect(recorder.texts).toEqual(['old', 'next'])
  })

  test('loses what watches of the one before had not been told yet', async () => {
    const { clock, store, recorder } = await makeHeldStore()
    store.watch('p', 4, recorder)
    store.put('p', 'lost')
    store.restore()
    await clock.advance(0)
    expect(recorder.texts).toEqual([])
  })

  test('installs no candidate under a lease of the one before', async () => {
    const { store } = makeStore()
    const call = { timeoutMs: 1_000 }
    const lease = await store.grant(10)
    const claim = await store.claim('p', 'leader', lease)
    const backup = store.backup()
    const text = 'candidate'
    const of = { instance: 'i', text }
    const before = await store.grant(10)
    const revision = await store.candidates.enter('p', of, before, call)
    store.restore(backup)
    // It enters at the same revision as it had.
    const since = await store.candidates.enter('p', of, await store.grant(10), call)
    expect(since).toBe(revision)
    const reign = { token: claim.won ? claim.token : 0, lease: lease.id }
    const choice = { ...of, since, revision, lease: before.id }
    await expect(store.candidates.install('p', reign, choice, call)).rejects.toBeInstanceOf(
      LeaseGoneError,
    )
    expect(store.entries().get('p')?.text).toBe('leader')
  })

  test('lets leases run out for watches that were there before', async () => {
    const { clock, store, recorder, backup } = await makeHeldStore()
    store.watch('p', 3, recorder)
    store.restore(backup)
    await clock.advance(10_000)
    expect(recorder.texts).toEqual([null])
    expect(clock.timers).toBe(0)
  })
})

describe('memoryStoreNamed', () => {
  test('gives one store per name, and the empty name is one', () => {
    expect(memoryStoreNamed('')).toBe(memoryStoreNamed(''))
    expect(memoryStoreNamed('a')).toBe(memoryStoreNamed('a'))
    expect(memoryStoreNamed('a')).not.toBe(memoryStoreNamed(''))
  })
})
