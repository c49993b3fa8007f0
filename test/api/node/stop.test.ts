import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { decodeRecord, encodeRecord } from '../../../src/record.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import {
  gate,
  known,
  lockerOn,
  makeLink,
  path,
  record,
  twoStarted,
  withoutHandOver,
} from './nodes.js'

describe('stop()', () => {
  test('is harmless before start() and after stop()', async () => {
    const node = lockerOn()({ path, value: 10 })
    const events = record(node)
    await node.stop()
    await node.stop()
    expect(events).toEqual([])
    await node.start()
    expect(node.isLeader).toBe(true)
    await Promise.all([node.stop(), node.stop()])
    await node.stop()
    expect(node.state).toBe('stopped')
  })

  test('resolves and calls back once the path is released', async () => {
    const store = new MemoryStore()
    const node = lockerOn(store)({ path, value: 10 })
    await node.start()
    const called = await new Promise((resolve) => node.stop((...args) => resolve([...args])))
    expect(called).toEqual([null, undefined])
    expect(store.entries().size).toBe(0)
    expect(store.leases()).toEqual([])
    expect(store.watchers).toBe(0)
    expect(known(node)).toEqual({ state: 'stopped', isLeader: false, holder: null, token: null })
  })

  test('lets a follower take over', async () => {
    const [leader, follower] = await twoStarted()
    const selected = once(follower, 'select')
    const events = record(follower)
    const before = leader.token ?? 0n
    await leader.stop()
    expect(await selected).toEqual([{ x: 1 }])
    expect(events).toEqual([
      ['change', { x: 1 }, 'b'],
      ['select', { x: 1 }],
      ['selected', { x: 1 }],
    ])
    expect(follower.token).toBeGreaterThan(before)
  })

  test('lets a follower claim as soon as it sees the notice, and again once the path is vacant', async () => {
    const { store, link, requests } = makeLink()
    const [leader, follower] = await twoStarted(withoutHandOver(link))
    const deletion = gate()
    let claims = 0
    requests.release = () => releaseSlowly(store, deletion.opened)
    requests.claim = () => {
      claims += 1
      return 0
    }
    const events = record(follower)
    const selected = once(follower, 'select')
    const vacant = new Promise((resolve) => {
      follower.once('vacant', () => resolve([follower.state, follower.holder]))
    })
    const stopped = leader.stop()
    expect(await vacant).toEqual(['campaigning', null])
    await new Promise(setImmediate)
    expect(claims).toBe(1)
    expect(follower.state).toBe('follower')
    expect(follower.holder).toMatchObject({ id: 'a' })
    expect(events).toEqual([['vacant']])
    deletion.open()
    await Promise.all([stopped, selected])
    expect(claims).toBe(2)
    expect(events).toEqual([
      ['vacant'],
      ['change', { x: 1 }, 'b'],
      ['select', { x: 1 }],
      ['selected', { x: 1 }],
    ])
  })

  test('lets a follower be elected whose claim was quicker than the deletion', async () => {
    const { store, link, requests } = makeLink()
    const [leader, follower] = await twoStarted(withoutHandOver(link))
    const deletion = gate()
    let claims = 0
    requests.release = () => releaseSlowly(store, deletion.opened)
    requests.claim = () => {
      claims += 1
      // It is carried out before.
      deletion.open()
      return 0
    }
    const selected = once(follower, 'select')
    const events = record(follower)
    await Promise.all([leader.stop(), selected])
    expect(claims).toBe(2)
    expect(events.slice(0, 2)).toEqual([['vacant'], ['change', { x: 1 }, 'b']])
  })

  test('is the last of which anything is told', async () => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const locker = lockerOn(store, clock)
    const [a, b] = [locker({ path, id: 'a', value: 1 }), locker({ path, id: 'b', value: 2 })]
    await a.start()
    await b.start()
    await b.stop()
    await a.stop()
    const events = [record(a), record(b)]
    store.put(path, 'junk')
    await clock.advance(60_000)
    store.delete(path)
    a.propose('other')
    await clock.advance(60_000)
    expect(events).toEqual([[], []])
    expect(clock.timers).toBe(0)
  })

  test('is what disposing of a node or of its locker does', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    const nodes = [1, 2, 3].map((value) => locker({ path, value }))
    await Promise.all(nodes.map((node) => node.start()))
    await nodes[0]?.[Symbol.asyncDispose]()
    expect(nodes[0]?.state).toBe('stopped')
    await locker[Symbol.asyncDispose]()
    expect(nodes.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])
    expect(store.entries().size).toBe(0)
    await nodes[1]?.start()
    await locker.close()
    expect(store.entries().size).toBe(0)
  })

  test('can be called from every listener', async () => {
    for (const event of ['change', 'select', 'selected'] as const) {
      const store = new MemoryStore()
      const node = lockerOn(store)({ path, value: 10 })
      const stopped = new Promise((resolve) => node.once(event, () => resolve(node.stop())))
      await node.start().catch(() => {})
      await stopped
      expect(node.state).toBe('stopped')
      expect(store.entries().size).toBe(0)
    }
  })
})

/** Releases the path as a leader does that stops, but lets its notice stand until then. */
async function releaseSlowly(store: MemoryStore, deletion: Promise<void>): Promise<void> {
  const entry = store.entries().get(path)
  const record = entry && decodeRecord(entry.text)
  if (entry?.lease == null || record == null) throw new Error('nobody leads')
  const reign = { token: entry.token, lease: entry.lease }
  await store.propose(path, encodeRecord({ ...record, released: true }), reign)
  await deletion
  await store.release(path, reign, null)
}
