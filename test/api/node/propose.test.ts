import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { UnreachableError } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, makeLink, path, record, standing, turns, twoStarted } from './nodes.js'

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
    const { store, link, requests } = makeLink(clock)
    const node = lockerOn(link, clock)({ path, value: 10 })
    await node.start()
    const events = record(node)
    const failure = new UnreachableError('no answer')
    const failures = [failure]
    requests.propose = () => failures.shift() ?? 0
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
