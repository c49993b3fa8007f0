import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import locked, {
  type Call,
  type Claim,
  type Json,
  type Leadership,
  type Lease,
  type LockedNode,
  type Locker,
  RefusedError,
  type Reign,
  StoppedError,
  UnreachableError,
  UnsupportedError,
  WorkError,
} from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

const path = '/master'

describe('a node that was made', () => {
  test('is idle, and knows nothing', () => {
    const node = lockerOn()({ path, value: 10 })
    expect(known(node)).toEqual({ state: 'idle', isLeader: false, holder: null, token: null })
    expect(node.path).toBe(path)
  })

  test('is made from a path with options as well as from options with a path', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    await locker('/one', { id: 'a', value: 1, ttl: 5 }).start()
    await locker({ path: '/two', id: 'b', value: 2, ttl: 5 }).start()
    expect(standing(store, '/one')).toMatchObject({ id: 'a', value: 1 })
    expect(standing(store, '/two')).toMatchObject({ id: 'b', value: 2 })
    expect(store.leases().map(({ ttlMs }) => ttlMs)).toEqual([5_000])
  })

  test('has an id of its own and a ttl of 10 s unless told otherwise', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    await locker('/one', { value: 1 }).start()
    await locker('/two', { value: 1 }).start()
    const [one, two] = [standing(store, '/one')?.id, standing(store, '/two')?.id]
    expect(one).toMatch(/./)
    expect(two).toMatch(/./)
    expect(one).not.toBe(two)
    expect(store.leases().map(({ ttlMs }) => ttlMs)).toEqual([10_000])
  })

  test('shares the store of a name with other lockers of this process, and no other', async () => {
    const name = `memory:${randomUUID()}`
    const [a, b] = [locked(name), locked(name)].map((locker) => locker({ path, id: 'a', value: 1 }))
    const c = locked(`${name}-other`)({ path, id: 'c', value: 1 })
    onTestFinished(() => stopAll(a, b, c))
    await a?.start()
    await b?.start()
    await c.start()
    expect([a?.isLeader, b?.isLeader, c.isLeader]).toEqual([true, false, true])
  })
})

describe('start()', () => {
  test('resolves once this node is known to be the leader', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    await node.start()
    const { token } = node
    expect(token).toBeTypeOf('bigint')
    const holder = { id: 'a', value: 10, token }
    expect(known(node)).toEqual({ state: 'leader', isLeader: true, holder, token })
  })

  test('resolves once this node is known to be a follower', async () => {
    const [leader, follower] = await twoStarted()
    const holder = { id: 'a', value: 10, token: leader.token }
    expect(known(follower)).toEqual({ state: 'follower', isLeader: false, holder, token: null })
  })

  test('calls back as well', async () => {
    const node = lockerOn()({ path, value: 10 })
    const called = await new Promise((resolve) => node.start((...args) => resolve([...args])))
    expect(called).toEqual([null, undefined])
    expect(node.isLeader).toBe(true)
  })

  test('is harmless while it runs, and once it has run', async () => {
    const node = lockerOn()({ path, value: 10 })
    const events = record(node)
    await Promise.all([node.start(), node.start()])
    await node.start()
    expect(events.filter(([name]) => name === 'select')).toHaveLength(1)
  })

  test('works again after stop(), and yields a greater token', async () => {
    const node = lockerOn()({ path, value: 10 })
    await node.start()
    const first = node.token ?? 0n
    await node.stop()
    await node.start()
    expect(node.isLeader).toBe(true)
    expect(node.token).toBeGreaterThan(first)
  })

  test('works while it is still stopping', async () => {
    const node = lockerOn()({ path, value: 10 })
    await node.start()
    const stopped = node.stop()
    await node.start()
    await stopped
    expect(node.isLeader).toBe(true)
  })

  test('rejects with a StoppedError when the node is stopped first', async () => {
    const store = new StubbornStore()
    const open = store.holdBack()
    const node = lockerOn(store)({ path, id: 'a', value: 10 })
    const started = node.start()
    const called = new Promise((resolve) => node.start(resolve))
    const stopped = node.stop()
    await expect(started).rejects.toThrow(StoppedError)
    await expect(started).rejects.toMatchObject({ path, nodeId: 'a' })
    expect(await called).toBeInstanceOf(StoppedError)
    open()
    await stopped
    expect(store.entries().size).toBe(0)
  })

  test('rejects, calls back and tells `error` when the store refuses for good', async () => {
    const store = new StubbornStore()
    store.refusal = new RefusedError('permission denied')
    const node = lockerOn(store)({ path, value: 10 })
    const told = once(node, 'error')
    const called = new Promise((resolve) => node.start(resolve))
    await expect(node.start()).rejects.toBe(store.refusal)
    expect(await called).toBe(store.refusal)
    expect(await told).toEqual([store.refusal])
    expect(node.state).toBe('stopped')
    await node.stop()
  })

  test('may be left alone: its rejection never crashes the process', async () => {
    const store = new StubbornStore()
    store.refusal = new RefusedError('permission denied')
    const unhandled = listenForCrashes()
    const node = lockerOn(store)({ path, value: 10 })
    node.start()
    await node.stop()
    node.start()
    await untilStopped(node)
    await turns()
    expect(unhandled).toEqual([])
  })
})

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
      ['vacant'],
      ['change', { x: 1 }, 'b'],
      ['select', { x: 1 }],
      ['selected', { x: 1 }],
    ])
    expect(follower.token).toBeGreaterThan(before)
  })

  test('lets a follower claim as soon as it sees the notice, twice at most', async () => {
    const store = new HesitantStore()
    const [leader, follower] = await twoStarted(store)
    store.claims = 0
    const events = record(follower)
    const selected = once(follower, 'select')
    const vacant = new Promise((resolve) => {
      follower.once('vacant', () => resolve([follower.state, follower.holder]))
    })
    const stopped = leader.stop()
    expect(await vacant).toEqual(['campaigning', null])
    await new Promise(setImmediate)
    expect(store.claims).toBe(2)
    expect(follower.state).toBe('follower')
    expect(follower.holder).toMatchObject({ id: 'a' })
    expect(events).toEqual([['vacant']])
    store.goOn()
    await Promise.all([stopped, selected])
    expect(store.claims).toBe(3)
    expect(events).toEqual([
      ['vacant'],
      ['change', { x: 1 }, 'b'],
      ['select', { x: 1 }],
      ['selected', { x: 1 }],
    ])
  })

  test('lets a follower be elected whose claim was quicker than the deletion', async () => {
    const store = new HesitantStore()
    const [leader, follower] = await twoStarted(store)
    store.claims = 0
    store.goesOnAfterClaim = true
    const selected = once(follower, 'select')
    const events = record(follower)
    await Promise.all([leader.stop(), selected])
    expect(store.claims).toBe(2)
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

describe('id() and value()', () => {
  test('answer from every node, started or not, with promises and callbacks', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    const [a, b] = [locker({ path, id: 'a', value: 10 }), locker({ path, id: 'b', value: 'of b' })]
    await a.start()
    for (const node of [a, b]) {
      expect(await node.id()).toBe('a')
      expect(await node.value()).toBe(10)
      expect(await new Promise((resolve) => node.id((...args) => resolve(args)))).toEqual([
        null,
        'a',
      ])
      expect(await new Promise((resolve) => node.value((...args) => resolve(args)))).toEqual([
        null,
        10,
      ])
    }
    await a.stop()
    expect([await a.id(), await a.value(), await b.id(), await b.value()]).toEqual(
      Array(4).fill(null),
    )
  })

  test('reject, and call back with the error, when the store cannot be asked', async () => {
    const store = new StubbornStore()
    store.readFailure = new UnreachableError('no answer')
    const node = lockerOn(store)({ path, value: 10 })
    await expect(node.id()).rejects.toBe(store.readFailure)
    await expect(node.value()).rejects.toBe(store.readFailure)
    expect(await new Promise((resolve) => node.id(resolve))).toBe(store.readFailure)
    expect(await new Promise((resolve) => node.value(resolve))).toBe(store.readFailure)
  })
})

describe('events', () => {
  test('come in order when a node is elected, and find it in its new state', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    const events = record(node)
    const states: unknown[] = []
    for (const event of ['change', 'select', 'selected', 'deselect'] as const) {
      node.on(event, () => states.push([event, node.state, node.isLeader, node.token !== null]))
    }
    await node.start()
    expect(events).toEqual([
      ['change', 10, 'a'],
      ['select', 10],
      ['selected', 10],
    ])
    await node.stop()
    expect(events.slice(3)).toEqual([['deselect', 'stopped']])
    expect(states).toEqual([
      ['change', 'leader', true, true],
      ['select', 'leader', true, true],
      ['selected', 'leader', true, true],
      ['deselect', 'stopped', false, false],
    ])
  })

  test('tell a follower the value that it finds', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    await locker({ path, id: 'a', value: 10 }).start()
    const follower = locker({ path, id: 'b', value: 20 })
    const events = record(follower)
    await follower.start()
    expect(events).toEqual([['change', 10, 'a']])
  })

  test('`refresh` comes every ttl/2, and only on the leader', async () => {
    const clock = new VirtualClock()
    const locker = lockerOn(new MemoryStore(clock), clock)
    const [a, b] = [
      locker({ path, id: 'a', value: 10, ttl: 10 }),
      locker({ path, id: 'b', value: 20, ttl: 10 }),
    ]
    const refreshedAt: unknown[] = []
    a.on('refresh', (value) => refreshedAt.push([clock.now(), value]))
    b.on('refresh', (value) => refreshedAt.push([clock.now(), value]))
    await a.start()
    await b.start()
    await clock.advance(20_000)
    expect(refreshedAt).toEqual([5, 10, 15, 20].map((second) => [second * 1_000, 10]))
    refreshedAt.length = 0
    await a.stop()
    await clock.advance(10_000)
    expect(refreshedAt).toEqual([25, 30].map((second) => [second * 1_000, 20]))
  })

  test('`vacant` comes to the leader and to followers, before the next election', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    const events = [record(leader), record(follower)]
    const again = Promise.race([once(leader, 'select'), once(follower, 'select')])
    store.delete(path)
    await again
    expect(events[0]?.slice(0, 2)).toEqual([['deselect', 'vacated'], ['vacant']])
    expect(events[1]?.slice(0, 1)).toEqual([['vacant']])
    expect([leader, follower].filter(({ isLeader }) => isLeader)).toHaveLength(1)
  })

  test('`unreachable` comes with a readable error for each attempt, until one works', async () => {
    const clock = new VirtualClock()
    const store = new StubbornStore(clock)
    store.claimFailures = [1, 2, 3].map((n) => new UnreachableError(`no answer ${n}`))
    const failures = [...store.claimFailures]
    const node = lockerOn(store, clock)({ path, id: 'a', value: 10 })
    const events = record(node)
    const started = node.start()
    await clock.advance(60_000)
    await started
    expect(events.slice(0, 5)).toEqual([
      ['unreachable', failures[0], 1],
      ['unreachable', failures[1], 2],
      ['unreachable', failures[2], 3],
      ['change', 10, 'a'],
      ['select', 10],
    ])
  })

  test('nobody has to listen to them', async () => {
    const unhandled = listenForCrashes()
    const clock = new VirtualClock()
    const store = new StubbornStore(clock)
    store.claimFailures = [new UnreachableError('no answer')]
    const node = lockerOn(store, clock)({ path, value: 10 })
    const warned = once(process, 'warning')
    node.lead(() => {
      throw new Error('broken work')
    })
    node.start()
    await clock.advance(60_000)
    const [warning] = await warned
    expect(warning).toBeInstanceOf(WorkError)
    expect(unhandled).toEqual([])
    expect(node.state).toBe('stopped')
  })
})

describe('deselect', () => {
  test('`stopped`: stop() was called', async () => {
    const [leader] = await twoStarted()
    const told = once(leader, 'deselect')
    await leader.stop()
    expect(await told).toEqual(['stopped'])
  })

  test('`vacated`: the record was deleted', async () => {
    const store = new MemoryStore()
    const [leader] = await twoStarted(store)
    const told = once(leader, 'deselect')
    store.delete(path)
    expect(leader.isLeader).toBe(true)
    expect(await told).toEqual(['vacated'])
  })

  test('`vacated`: the lease was revoked', async () => {
    const store = new MemoryStore()
    const [leader] = await twoStarted(store)
    const told = once(leader, 'deselect')
    for (const { id } of store.leases()) store.expire(id)
    expect(await told).toEqual(['vacated'])
  })

  test('`overwritten`: something else stands at the path', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    const told = once(leader, 'deselect')
    const changed = [once(leader, 'change'), once(follower, 'change')]
    store.put(path, 'by hand')
    expect(await told).toEqual(['overwritten'])
    expect(await Promise.all(changed)).toEqual(Array(2).fill(['by hand', null]))
    await leader.start()
    expect([leader.state, follower.state]).toEqual(['follower', 'follower'])
    expect(store.entries().get(path)?.text).toBe('by hand')
  })

  test('`expired`: its session could not be renewed in time', async () => {
    const clock = new VirtualClock()
    const store = new StubbornStore(clock)
    const node = lockerOn(store, clock)({ path, value: 10, ttl: 10 })
    await node.start()
    const events = record(node)
    store.renewFailure = new UnreachableError('no answer')
    await clock.advance(8_900)
    expect(node.isLeader).toBe(true)
    expect(events.map(([name]) => name)).not.toContain('deselect')
    expect(events[0]).toEqual(['unreachable', store.renewFailure, 1])
    // A tenth of the ttl before the store may give the lease to nobody else.
    await clock.advance(100)
    expect(events).toContainEqual(['deselect', 'expired'])
    store.renewFailure = null
    await clock.advance(10_000)
    expect(node.isLeader).toBe(true)
  })

  test('`refused`: the store no longer accepts this node', async () => {
    const store = new StubbornStore()
    const node = lockerOn(store)({ path, value: 10 })
    await node.start()
    const told = [once(node, 'deselect'), once(node, 'error')]
    store.proposeRefusal = new RefusedError('permission denied')
    node.propose(11)
    expect(await Promise.all(told)).toEqual([['refused'], [store.proposeRefusal]])
    expect(node.state).toBe('stopped')
    await node.stop()
  })

  test('`refused`: the store no longer renews its session', async () => {
    const clock = new VirtualClock()
    const store = new StubbornStore(clock)
    const locker = lockerOn(store, clock)
    const [leader, follower] = ['a', 'b'].map((id) => locker({ path, id, value: id, ttl: 10 }))
    if (leader === undefined || follower === undefined) throw new Error('no nodes')
    await leader.start()
    await follower.start()
    const told = [once(leader, 'deselect'), once(leader, 'error'), once(follower, 'error')]
    store.renewFailure = new RefusedError('authentication failed')
    await clock.advance(5_000)
    expect(await Promise.all(told)).toEqual([
      ['refused'],
      [store.renewFailure],
      [store.renewFailure],
    ])
    await clock.advance(1_000)
    expect([leader.state, follower.state]).toEqual(['stopped', 'stopped'])
  })

  test('`failed`: its work threw', async () => {
    const [leader, follower] = await twoStarted()
    const cause = new Error('broken work')
    const events = record(leader)
    const selected = once(follower, 'select')
    const told = once(leader, 'error')
    leader.lead(async () => {
      throw cause
    })
    const [error] = await told
    expect(error).toBeInstanceOf(WorkError)
    expect(error).toMatchObject({ path, nodeId: 'a', cause })
    expect(String(error)).toContain('broken work')
    expect(events.map(([name]) => name)).toEqual(['deselect', 'error'])
    expect(events[0]).toEqual(['deselect', 'failed'])
    await selected
    await untilStopped(leader)
    await leader.start()
    expect(leader.state).toBe('follower')
  })
})

describe('isLeader and token', () => {
  test('are right although no timer has run', async () => {
    const clock = new VirtualClock()
    const node = lockerOn(new MemoryStore(clock), clock)({ path, value: 10, ttl: 10 })
    await node.start()
    clock.suspend(8_999)
    expect([node.isLeader, node.token === null]).toEqual([true, false])
    clock.suspend(1)
    expect([node.isLeader, node.token]).toEqual([false, null])
    expect(node.state).toBe('leader')
  })
})

describe('lead()', () => {
  test('runs its function at each election, with value, token and a signal', async () => {
    const node = lockerOn()({ path, value: 10 })
    const runs: Leadership[] = []
    expect(node.lead((leadership) => runs.push(leadership))).toBe(node)
    await node.start()
    await turns()
    expect(runs).toEqual([{ value: 10, token: node.token, signal: expect.any(AbortSignal) }])
    expect(runs[0]?.signal.aborted).toBe(false)
    await node.stop()
    expect(runs[0]?.signal.aborted).toBe(true)
    node.propose(11)
    await node.start()
    await turns()
    expect(runs).toHaveLength(2)
    expect(runs[1]).toMatchObject({ value: 11, token: node.token })
    expect(runs[1]?.token).toBeGreaterThan(runs[0]?.token ?? 0n)
  })

  test('runs it at once on a node that leads already, and not on a follower', async () => {
    const [leader, follower] = await twoStarted()
    let followed = false
    follower.lead(() => {
      followed = true
    })
    const leadership = await new Promise<Leadership>((resolve) => leader.lead(resolve))
    expect(leadership).toMatchObject({ value: 10, token: leader.token })
    expect(followed).toBe(false)
  })

  test('runs several functions, each of them once', async () => {
    const node = lockerOn()({ path, value: 10 })
    const runs: string[] = []
    const one = () => runs.push('one')
    node
      .lead(one)
      .lead(one)
      .lead(() => runs.push('two'))
    await node.start()
    await turns()
    expect(runs).toEqual(['one', 'two'])
  })

  test.for(['change', 'select', 'selected'] as const)(
    'runs it once when it is given while `%s` is told',
    async (event) => {
      const node = lockerOn()({ path, value: 10 })
      let runs = 0
      node.once(event, () => {
        node.lead(() => {
          runs += 1
        })
      })
      await node.start()
      await turns()
      expect(runs).toBe(1)
    },
  )

  test('aborts the signal as soon as leadership is lost', async () => {
    const store = new MemoryStore()
    const [leader] = await twoStarted(store)
    const { signal } = await new Promise<Leadership>((resolve) => leader.lead(resolve))
    const aborted = once(signal, 'abort')
    const deselected = once(leader, 'deselect').then(() => signal.aborted)
    store.delete(path)
    await aborted
    expect(await deselected).toBe(true)
    expect(String(signal.reason)).toContain('vacated')
  })

  test('is waited for by stop() before the path is released', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    const work = gate()
    const running = new Promise<void>((resolve) =>
      leader.lead(async () => {
        resolve()
        await work.opened
      }),
    )
    await running
    const stopped = leader.stop()
    await turns()
    expect(standing(store, path)).toMatchObject({ id: 'a' })
    expect(follower.state).toBe('follower')
    const selected = once(follower, 'select')
    work.open()
    await stopped
    await selected
  })

  test('is not waited for longer than the session is valid', async () => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const node = lockerOn(store, clock)({ path, value: 10, ttl: 10 })
    node.lead(() => new Promise(() => {}))
    await node.start()
    let isStopped = false
    const stopped = node.stop().then(() => {
      isStopped = true
    })
    await clock.advance(8_900)
    expect(isStopped).toBe(false)
    await clock.advance(100)
    await stopped
    expect(isStopped).toBe(true)
  })

  test('does not run while its run of an earlier election is going on', async () => {
    const store = new MemoryStore()
    const node = lockerOn(store)({ path, value: 10 })
    const works = [gate(), gate()]
    const runs: Leadership[] = []
    node.lead(async (leadership) => {
      runs.push(leadership)
      await works[runs.length - 1]?.opened
    })
    await node.start()
    await turns()
    const again = once(node, 'select')
    store.delete(path)
    await again
    await turns()
    expect(runs).toHaveLength(1)
    works[0]?.open()
    await turns()
    expect(runs).toHaveLength(2)
    expect(runs[1]?.token).toBe(node.token)
    works[1]?.open()
  })

  test('does not run for an election that was lost before its turn came', async () => {
    const store = new MemoryStore()
    const node = lockerOn(store)({ path, value: 10 })
    const work = gate()
    const runs: Leadership[] = []
    node.lead(async (leadership) => {
      runs.push(leadership)
      await work.opened
    })
    await node.start()
    await turns()
    for (let times = 1; times <= 2; times += 1) {
      const again = once(node, 'select')
      store.delete(path)
      await again
    }
    work.open()
    await turns()
    expect(runs).toHaveLength(2)
    expect(runs[1]?.token).toBe(node.token)
    expect(runs[1]?.signal.aborted).toBe(false)
  })

  test('may end by the abort of its signal without any error', async () => {
    const store = new MemoryStore()
    const node = lockerOn(store)({ path, value: 10 })
    node.lead(async ({ signal }) => {
      await once(signal, 'abort')
      signal.throwIfAborted()
    })
    const events = record(node)
    await node.start()
    await turns()
    await node.stop()
    await turns()
    expect(events.map(([name]) => name)).not.toContain('error')
  })
})

describe('propose()', () => {
  test('writes the value of a leader, and tells everybody', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    const { token } = leader
    const changed = [once(leader, 'change'), once(follower, 'change')]
    leader.propose(['new'])
    expect(await Promise.all(changed)).toEqual(Array(2).fill([['new'], 'a']))
    expect(await follower.value()).toEqual(['new'])
    expect([leader.token, follower.holder?.token]).toEqual([token, token])
    expect(leader.isLeader).toBe(true)
  })

  test('is remembered by a follower until it is elected', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    follower.propose('later')
    await turns()
    expect(standing(store, path)).toMatchObject({ id: 'a', value: 10 })
    const selected = once(follower, 'select')
    await leader.stop()
    expect(await selected).toEqual(['later'])
    expect(await leader.value()).toBe('later')
  })

  test('is remembered by a node that is not started', async () => {
    const node = lockerOn()({ path, value: 10 })
    node.propose(11)
    await node.start()
    expect(await node.value()).toBe(11)
  })

  test('writes the last of many values, and nothing twice', async () => {
    const store = new MemoryStore()
    const [leader, follower] = await twoStarted(store)
    const events = [record(leader), record(follower)]
    for (let value = 1; value <= 20; value += 1) leader.propose(value)
    while (leader.holder?.value !== 20 || follower.holder?.value !== 20) await turns()
    await turns()
    expect(await leader.value()).toBe(20)
    for (const told of events) {
      expect(told.every(([name]) => name === 'change')).toBe(true)
      expect(new Set(told.map(([, value]) => value)).size).toBe(told.length)
    }
  })

  test('is repeated when it fails', async () => {
    const clock = new VirtualClock()
    const store = new StubbornStore(clock)
    const node = lockerOn(store, clock)({ path, value: 10 })
    await node.start()
    const events = record(node)
    const failure = new UnreachableError('no answer')
    store.proposeFailures = [failure]
    node.propose(11)
    await clock.advance(60_000)
    expect(events.filter(([name]) => name !== 'refresh')).toEqual([
      ['unreachable', failure, 1],
      ['change', 11, node.holder?.id],
    ])
    expect(standing(store, path)).toMatchObject({ value: 11 })
  })

  test('takes the value as it is at that moment', async () => {
    const value = { count: 1 }
    const store = new MemoryStore()
    const locker = lockerOn(store)
    const [leader, follower] = [
      locker({ path, id: 'a', value }),
      locker({ path, id: 'b', value: 0 }),
    ]
    value.count = 2
    await leader.start()
    expect(await leader.value()).toEqual({ count: 1 })
    await follower.start()
    const changed = [once(leader, 'change'), once(follower, 'change')]
    leader.propose(value)
    value.count = 3
    expect(await Promise.all(changed)).toEqual(Array(2).fill([{ count: 2 }, 'a']))
    await Promise.all([leader.stop(), follower.stop()])
    await leader.start()
    expect(await leader.value()).toEqual({ count: 2 })
  })
})

describe('guard()', () => {
  test('is not supported by the memory store, and says what to do instead', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    expect(() => node.guard()).toThrow(UnsupportedError)
    await node.start()
    expect(() => node.guard()).toThrow(/node\.token/)
  })
})

describe('a value', () => {
  const values: readonly Json[] = [
    10,
    0,
    -1.5,
    1e300,
    '10',
    '',
    'null',
    '{"id":"x","value":1,"instance":"y"}',
    'ünïcødé 😀 \ud800 \u0000 \n',
    null,
    true,
    false,
    [],
    {},
    [1, [2, [3, null, { four: [false] }]]],
    { a: { b: { c: [null, '', 0, false] } }, id: 1, instance: 2 },
    JSON.parse('{"__proto__":{"x":1}}'),
  ]

  test.each(values.map((value) => [JSON.stringify(value), value]))(
    'comes back as what it was: %s',
    async (_text, value) => {
      const store = new MemoryStore()
      const locker = lockerOn(store)
      const [a, b] = [locker({ path, id: 'a', value }), locker({ path, id: 'b', value: 'other' })]
      const events = [record(a), record(b)]
      await a.start()
      await b.start()
      expect(events).toEqual([
        [
          ['change', value, 'a'],
          ['select', value],
          ['selected', value],
        ],
        [['change', value, 'a']],
      ])
      for (const node of [a, b]) {
        expect(await node.value()).toStrictEqual(value)
        expect(node.holder?.value).toStrictEqual(value)
      }
      const elected = once(b, 'select')
      b.propose(value)
      await a.stop()
      expect(await elected).toStrictEqual([value])
    },
  )
})

describe('what is no record', () => {
  test.each([
    '',
    'junk',
    '{',
    'null',
    '10',
    '"a"',
    '[]',
    '{}',
    '{"id":"x","value":1}',
    '{"id":1,"value":1,"instance":"x"}',
    '{"id":null,"value":1,"instance":null}',
    '\ud800\u0000',
  ])('is a holder without id, and is never overwritten: %j', async (text) => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const token = BigInt(store.put(path, text))
    const node = lockerOn(store, clock)({ path, id: 'a', value: 10 })
    const events = record(node)
    await node.start()
    expect(node.state).toBe('follower')
    expect(node.holder).toEqual({ id: null, value: text, token })
    expect(await node.id()).toBe(null)
    expect(await node.value()).toBe(text)
    await clock.advance(3_600_000)
    expect(events).toEqual([['change', text, null]])
    expect(store.entries().get(path)?.text).toBe(text)
    store.put(path, `${text}, changed`)
    await clock.advance(1)
    expect(events.slice(1)).toEqual([['change', `${text}, changed`, null]])
    await node.stop()
    expect(store.entries().get(path)?.text).toBe(`${text}, changed`)
    await node.start()
    store.delete(path)
    await clock.advance(10_000)
    expect(node.isLeader).toBe(true)
  })
})

describe('the actor and the machine', () => {
  test('are the running statechart, and what it is made of', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    expect(node.machine.id).toBe('election')
    expect(node.actor.getSnapshot().machine).toBe(node.machine)
    await node.start()
    const { value, context } = node.actor.getSnapshot()
    expect(value).toEqual({ leader: 'holding' })
    expect(JSON.parse(JSON.stringify(context))).toEqual(context)
  })

  test.each(['locker', 'node'])('can be inspected (%s)', async (where) => {
    const seen = new Set<string>()
    const inspect = ({ type }: { readonly type: string }) => seen.add(type)
    const locker = locked(new MemoryStore(), where === 'locker' ? { inspect } : {})
    const node = locker({ path, value: 10, ...(where === 'node' ? { inspect } : {}) })
    onTestFinished(() => locker.close())
    await node.start()
    expect(seen).toContain('@xstate.snapshot')
  })
})

test('many nodes on one path have one leader at a time, until the last has gone', async () => {
  const store = new MemoryStore()
  const locker = lockerOn(store)
  const nodes = Array.from({ length: 30 }, (_, value) =>
    locker({ path, id: `node ${value}`, value }),
  )
  const elected: number[] = []
  let tell = () => {}
  for (const node of nodes) {
    node.on('select', () => {
      elected.push(nodes.filter(({ isLeader }) => isLeader).length)
      tell()
    })
  }
  await Promise.all(nodes.map((node) => node.start()))
  for (let left = nodes.length; left > 0; left -= 1) {
    const next = new Promise<void>((resolve) => {
      tell = resolve
    })
    await nodes.find(({ isLeader }) => isLeader)?.stop()
    if (left > 1) await next
  }
  expect(elected).toEqual(nodes.map(() => 1))
  expect(store.entries().size).toBe(0)
  expect(store.leases()).toEqual([])
})

/** A memory store whose answers can be held back and replaced by failures. */
class StubbornStore extends MemoryStore {
  refusal: Error | null = null
  claimFailures: Error[] = []
  renewFailure: Error | null = null
  readFailure: Error | null = null
  proposeRefusal: Error | null = null
  proposeFailures: Error[] = []
  #hold: Promise<void> | null = null

  /** Holds claims back. Returns the function that lets them go. */
  holdBack(): () => void {
    const { opened, open } = gate()
    this.#hold = opened
    return open
  }

  override async claim(at: string, text: string, lease: Lease, _call?: Call): Promise<Claim> {
    await this.#hold
    const failure = this.refusal ?? this.claimFailures.shift()
    if (failure != null) throw failure
    return super.claim(at, text, lease)
  }

  override async renew(lease: Lease, _call?: Call): Promise<number> {
    if (this.renewFailure !== null) throw this.renewFailure
    return super.renew(lease)
  }

  override async read(at: string, _call?: Call) {
    if (this.readFailure !== null) throw this.readFailure
    return super.read(at)
  }

  override async propose(at: string, text: string, reign: Reign, _call?: Call) {
    const failure = this.proposeRefusal ?? this.proposeFailures.shift()
    if (failure != null) throw failure
    return super.propose(at, text, reign)
  }
}

/** A memory store in which a notice stands for a while before the deletion. */
class HesitantStore extends MemoryStore {
  claims = 0
  goesOnAfterClaim = false
  readonly #deletion = gate()

  goOn(): void {
    this.#deletion.open()
  }

  override async claim(at: string, text: string, lease: Lease, _call?: Call): Promise<Claim> {
    this.claims += 1
    const claim = await super.claim(at, text, lease)
    if (this.goesOnAfterClaim) this.goOn()
    return claim
  }

  override async release(at: string, reign: Reign, notice: string | null): Promise<boolean> {
    if (notice !== null) await super.propose(at, notice, reign)
    await this.#deletion.opened
    return super.release(at, reign, null)
  }
}

/** Its nodes are stopped when the test ends. */
function lockerOn(store = new MemoryStore(), clock?: VirtualClock): Locker {
  const locker = locked(store, clock === undefined ? {} : { clock })
  onTestFinished(async () => {
    const closed = locker.close()
    await clock?.advance(60_000)
    await closed
  })
  return locker
}

/** A leader `a` with the value 10, and a follower `b` with the value `{ x: 1 }`. */
async function twoStarted(store = new MemoryStore()): Promise<[LockedNode, LockedNode]> {
  const leader = lockerOn(store)({ path, id: 'a', value: 10 })
  const follower = lockerOn(store)({ path, id: 'b', value: { x: 1 } })
  await leader.start()
  await follower.start()
  return [leader, follower]
}

const eventNames = [
  'change',
  'select',
  'selected',
  'deselect',
  'refresh',
  'vacant',
  'unreachable',
  'error',
] as const

/** What the node tells from now on, in order. */
function record(node: LockedNode): unknown[][] {
  const events: unknown[][] = []
  for (const name of eventNames) node.on(name, (...args: unknown[]) => events.push([name, ...args]))
  return events
}

function known({ state, isLeader, holder, token }: LockedNode) {
  return { state, isLeader, holder, token }
}

function standing(store: MemoryStore, at: string): { id: string; value: Json } | null {
  const entry = store.entries().get(at)
  return entry === undefined ? null : JSON.parse(entry.text)
}

function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Lets everything happen that waits for nothing but promises. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function untilStopped(node: LockedNode): Promise<void> {
  while (node.state !== 'stopped') await turns()
}

async function stopAll(...nodes: readonly (LockedNode | undefined)[]): Promise<void> {
  await Promise.all(nodes.map((node) => node?.stop()))
}

/** What would have ended the process. */
function listenForCrashes(): unknown[] {
  const crashes: unknown[] = []
  const listen = (reason: unknown) => crashes.push(reason)
  process.on('unhandledRejection', listen)
  process.on('uncaughtException', listen)
  onTestFinished(() => {
    process.off('unhandledRejection', listen)
    process.off('uncaughtException', listen)
  })
  return crashes
}
