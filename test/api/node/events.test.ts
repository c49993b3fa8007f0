import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { UnreachableError, WorkError } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { listenForCrashes, lockerOn, makeLink, path, record, twoStarted } from './nodes.js'

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
    const { link, requests } = makeLink(clock)
    const failures = [1, 2, 3].map((n) => new UnreachableError(`no answer ${n}`))
    const left = [...failures]
    requests.claim = () => left.shift() ?? 0
    const node = lockerOn(link, clock)({ path, id: 'a', value: 10 })
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
    const { link, requests } = makeLink(clock)
    const failures = [new UnreachableError('no answer')]
    requests.claim = () => failures.shift() ?? 0
    const node = lockerOn(link, clock)({ path, value: 10 })
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
