import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  NoCandidateError,
  NotLeaderError,
  StoppedError,
  UnreachableError,
} from '../../../src/index.js'
import { type Fate, Link, type Message } from '../../../src/stores/link.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, makeLink, path, record, twoStarted, withoutHandOver } from './nodes.js'

const following = 3

/** A leader and two who wait, each in a process of its own, in the order of their names. */
async function threeStarted(store = new MemoryStore()) {
  const nodes = []
  for (const id of ['a', 'b', 'c']) {
    const node = lockerOn(store)({ path, id, value: `value of ${id}` })
    await node.start()
    nodes.push(node)
  }
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  return { store, a, b, c }
}

describe('a leader that stops', () => {
  test('hands over to who came last, and the path is never vacant', async () => {
    const { store, a, b, c } = await threeStarted()
    const told = [record(b), record(c)]
    const seen: (string | undefined)[] = []
    const { revision } = await store.read(path)
    const watch = store.watch(path, revision + 1, {
      seen: ({ entry }) => seen.push(entry?.text),
      retrying: () => undefined,
      refused: () => undefined,
    })
    const before = a.token ?? 0n
    const selected = once(c, 'select')
    await a.stop()
    await selected
    watch.close()
    expect(seen).toEqual([expect.stringContaining('"id":"c"')])
    expect(c.token).toBeGreaterThan(before)
    expect(b.holder?.token).toBe(c.token)
    const change = ['change', 'value of c', 'c']
    expect(told).toEqual([[change], [change, ['select', 'value of c'], ['selected', 'value of c']]])
    expect(await b.candidates()).toEqual([
      { id: 'c', value: 'value of c', since: c.token, isHolder: true },
      { id: 'b', value: 'value of b', since: expect.any(BigInt), isHolder: false },
    ])
  })

  test('waits for its work before it hands over', async () => {
    const { a, c } = await threeStarted()
    let end: () => void = () => undefined
    const states: string[] = []
    await new Promise<void>((begun) => {
      a.lead(async () => {
        begun()
        await new Promise<void>((resolve) => {
          end = resolve
        })
        states.push(c.state)
      })
    })
    const selected = once(c, 'select')
    const stopped = a.stop()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(c.state).toBe('follower')
    end()
    await Promise.all([stopped, selected])
    expect(states).toEqual(['follower'])
  })

  test('hands over again and again, with tokens that grow, and a value as it was proposed last', async () => {
    const { a, b, c } = await threeStarted()
    const tokens = [a.token]
    c.propose('of c, anew')
    for (const [from, to] of [
      [a, c],
      [c, b],
    ] as const) {
      const selected = once(to, 'select')
      await from.stop()
      await selected
      tokens.push(to.token)
      expect(to.isLeader).toBe(true)
    }
    await a.start()
    b.propose('of b, as leader')
    await once(a, 'change')
    expect(a.holder).toMatchObject({ id: 'b', value: 'of b, as leader', token: b.token })
    expect([...tokens].sort()).toEqual(tokens)
    expect(new Set(tokens).size).toBe(following)
  })

  test('vacates the path where nobody waits, and leaves nothing behind', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    await follower.stop()
    expect(await leader.candidates()).toHaveLength(1)
    await leader.stop()
    expect([...store.entries()]).toEqual([])
    expect(store.leases()).toEqual([])
  })

  test('vacates the path in a store without hand-over', async () => {
    const [leader, follower] = await twoStarted(withoutHandOver(new MemoryStore()))
    const told = record(follower)
    const selected = once(follower, 'select')
    expect(await follower.candidates()).toMatchObject([{ id: 'a', isHolder: true }])
    await leader.stop()
    await selected
    expect(told[0]).toEqual(['vacant'])
  })

  test('is followed by another when it cannot hand over', async () => {
    const { link, requests } = makeLink()
    const [leader, follower] = await twoStarted(link)
    requests.install = () => new Error('never')
    const selected = once(follower, 'select')
    await leader.stop()
    await selected
    expect(follower.isLeader).toBe(true)
  })
})

/** What happens to the path from now on: the id of each who is written there, and `null` when it is deleted. */
async function seenAt(store: MemoryStore): Promise<(string | null)[]> {
  const seen: (string | null)[] = []
  const { revision } = await store.read(path)
  const watch = store.watch(path, revision + 1, {
    seen: ({ entry }) => seen.push(entry && JSON.parse(entry.text).id),
    retrying: () => undefined,
    refused: () => undefined,
  })
  onTestFinished(() => watch.close())
  return seen
}

describe('a leader that stops, where asking who is next has no answer', () => {
  /** Its requests fare as `fate` says; `b` and `c` wait, in that order. */
  async function threeOn(clock: VirtualClock, fate: (message: Message) => Fate) {
    const store = new MemoryStore(clock)
    const leader = lockerOn(new Link(store, clock, fate), clock)({ path, id: 'a', value: 'a' })
    const [b, c] = ['b', 'c'].map((id) => lockerOn(store, clock)({ path, id, value: id }))
    if (b === undefined || c === undefined) throw new Error('unreachable')
    for (const node of [leader, b, c]) {
      void node.start()
      await clock.advance(100)
    }
    return { leader, b, c, seen: await seenAt(store) }
  }

  const unanswered = (call: Message['call']) => (message: Message) =>
    message.call === call && !message.isAnswer ? 'lost' : 0
  /** It is told of nobody who comes, and has to ask. */
  const untold =
    (fate: (message: Message) => Fate): ((message: Message) => Fate) =>
    (message) =>
      message.call === 'follow' ? 'lost' : fate(message)

  test('waits for half as long as a request may take: who waits', async () => {
    const clock = new VirtualClock()
    const { leader, b, c, seen } = await threeOn(clock, untold(unanswered('list')))
    const stopped = leader.stop()
    await clock.advance(2_499)
    expect(seen).toEqual([])
    await clock.advance(1)
    await stopped
    // It has stood down, and vacated the path.
    expect(seen.slice(0, 2)).toEqual(['a', null])
    expect([leader.state, b.holder?.id]).toEqual(['stopped', c.holder?.id])
    expect([b, c].filter(({ isLeader }) => isLeader)).toHaveLength(1)
  })

  test('hands over to the latest after a second: whether one is overdue', async () => {
    const clock = new VirtualClock()
    const { leader, c, seen } = await threeOn(clock, unanswered('isOverdue'))
    const stopped = leader.stop()
    await clock.advance(1_000)
    await stopped
    expect(seen).toEqual(['c'])
    expect(c.isLeader).toBe(true)
  })

  test('hands over to another of whom it is told that it is not overdue', async () => {
    const clock = new VirtualClock()
    let asked = 0
    const { leader, b, seen } = await threeOn(clock, ({ call, isAnswer }) => {
      if (call !== 'isOverdue' || isAnswer) return 0
      asked += 1
      return asked === 1 ? new UnreachableError('no answer for the latest') : 0
    })
    await leader.stop()
    expect(seen).toEqual(['b'])
    expect(b.isLeader).toBe(true)
  })

  test('keeps no timer when the answer comes too late', async () => {
    const clock = new VirtualClock()
    const late = untold(({ call }) => (call === 'list' ? 2_000 : 0))
    const { leader } = await threeOn(clock, late)
    void leader.stop()
    await clock.advance(2_500)
    const { timers } = clock
    await clock.advance(1_500)
    expect(clock.timers).toBeLessThan(timers)
  })
})

describe('a leader whose round trips take half a second and more', () => {
  /** Who is installed in turn when it stops, or hands over to `to`; the other processes are near. */
  async function installed(roundTripMs: number, to?: string): Promise<readonly unknown[]> {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const link = new Link(store, clock, () => roundTripMs / 2)
    const leader = lockerOn(link, clock)({ path, id: 'a', value: 'a', ttl: 60 })
    void leader.start()
    await clock.advance(20_000)
    for (const id of ['b', 'c', 'd']) {
      void lockerOn(store, clock)({ path, id, value: id, ttl: 60 }).start()
      await clock.advance(100)
    }
    await clock.advance(20_000)
    const seen = await seenAt(store)
    void (to === undefined ? leader.stop() : leader.transfer(to))
    await clock.advance(20_000)
    return seen
  }

  test.each([500, 1_000, 2_000])('hands over, and the path is never vacant: %i ms', async (ms) => {
    expect(await installed(ms)).toEqual(['d'])
  })

  test.each([500, 1_000, 2_000])('transfers to the one that is named: %i ms', async (ms) => {
    expect(await installed(ms, 'c')).toEqual(['c'])
  })

  test.each([undefined, 'b'])('does so before it has been told who waits: to %s', async (to) => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const link = new Link(store, clock, () => 1_000)
    const leader = lockerOn(link, clock)({ path, id: 'a', value: 'a', ttl: 60 })
    void leader.start()
    while (!leader.isLeader) await clock.advance(100)
    for (const id of ['b', 'c']) {
      void lockerOn(store, clock)({ path, id, value: id, ttl: 60 }).start()
      await clock.advance(10)
    }
    const seen = await seenAt(store)
    void (to === undefined ? leader.stop() : leader.transfer(to))
    await clock.advance(20_000)
    expect(seen).toEqual([to ?? 'c'])
  })
})

describe('all processes that stop at once', () => {
  test.each([
    ['all requests take as long', () => 1],
    ['those of whoever came later arrive later', (index: number) => 1 + index / 10],
    ['those of whoever came later arrive sooner', (index: number) => 3 - index / 10],
    ['the leader is the nearest', (index: number) => (index === 0 ? 1 : 5)],
    ['the leader and the latest are the nearest', (index: number) => (index % 19 === 0 ? 1 : 5)],
  ])('do not lead one after the other: %s', async (_, latencyMs) => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const nodes = Array.from({ length: 20 }, (_one, index) => {
      const link = new Link(store, clock, () => latencyMs(index))
      return lockerOn(link, clock)({ path, id: `node ${index}`, value: index })
    })
    for (const node of nodes) {
      void node.start()
      await clock.advance(20)
    }
    await clock.advance(2_000)
    const seen = await seenAt(store)
    for (const node of nodes) void node.stop()
    await clock.advance(5_000)
    expect(seen.at(-1)).toBeNull()
    expect([...store.entries()]).toEqual([])
    // One that was installed as it left, at the most, and the notice of the last.
    expect(seen.length - 1).toBeLessThanOrEqual(2)
  })
})

describe('transfer()', () => {
  test('installs the candidate that it names, and goes on as a candidate', async () => {
    const { a, b, c } = await threeStarted()
    const told = record(a)
    const selected = once(b, 'select')
    const holder = await a.transfer('b')
    await selected
    expect(holder).toEqual({ id: 'b', value: 'value of b', token: b.token })
    expect(a.state).toBe('follower')
    expect(told).toEqual([
      ['deselect', 'transferred'],
      ['change', 'value of b', 'b'],
    ])
    expect((await c.candidates()).map(({ id }) => id)).toEqual(['b', 'c', 'a'])
    await Promise.all([once(a, 'select'), b.transfer()])
    expect(a.isLeader).toBe(true)
  })

  test('rejects without a candidate, and goes on leading', async () => {
    const { a, b, c } = await threeStarted()
    await expect(a.transfer('nobody')).rejects.toBeInstanceOf(NoCandidateError)
    await Promise.all([b.stop(), c.stop()])
    await expect(a.transfer()).rejects.toBeInstanceOf(NoCandidateError)
    expect(a.isLeader).toBe(true)
  })

  test('is for the leader alone, and for one at a time', async () => {
    const { a, b } = await threeStarted()
    await expect(b.transfer()).rejects.toBeInstanceOf(NotLeaderError)
    const [first, second] = await Promise.allSettled([a.transfer('b'), a.transfer('b')])
    expect(first).toMatchObject({ status: 'fulfilled', value: { id: 'b' } })
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(NotLeaderError) })
  })

  test('that is stopped meanwhile hands over all the same', async () => {
    const { a, b, c } = await threeStarted()
    let end: () => void = () => undefined
    await new Promise<void>((begun) => {
      a.lead(
        () =>
          new Promise<void>((resolve) => {
            end = resolve
            begun()
          }),
      )
    })
    const selected = once(b, 'select')
    const transferred = a.transfer('b')
    transferred.catch(() => undefined)
    await once(a, 'deselect')
    const stopped = a.stop()
    end()
    await Promise.all([stopped, selected])
    await expect(transferred).rejects.toBeInstanceOf(StoppedError)
    expect([a.state, b.state, c.state]).toEqual(['stopped', 'leader', 'follower'])
  })

  test('refuses what is no id', async () => {
    const { a } = await threeStarted()
    // @ts-expect-error: as from JavaScript
    await expect(a.transfer(7)).rejects.toBeInstanceOf(TypeError)
  })
})
