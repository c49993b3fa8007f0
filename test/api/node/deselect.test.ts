import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { RefusedError, UnreachableError, WorkError } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, makeLink, path, record, twoStarted, untilStopped } from './nodes.js'

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
    const { link, requests } = makeLink(clock)
    const node = lockerOn(link, clock)({ path, value: 10, ttl: 10 })
    await node.start()
    const events = record(node)
    const failure = new UnreachableError('no answer')
    requests.renew = () => failure
    await clock.advance(8_900)
    expect(node.isLeader).toBe(true)
    expect(events.map(([name]) => name)).not.toContain('deselect')
    expect(events[0]).toEqual(['unreachable', failure, 1])
    // A tenth of the ttl before the store may give the lease to nobody else.
    await clock.advance(100)
    expect(events).toContainEqual(['deselect', 'expired'])
    delete requests.renew
    await clock.advance(10_000)
    expect(node.isLeader).toBe(true)
  })

  test('`refused`: the store no longer accepts this node', async () => {
    const { link, requests } = makeLink()
    const node = lockerOn(link)({ path, value: 10 })
    await node.start()
    const told = [once(node, 'deselect'), once(node, 'error')]
    const refusal = new RefusedError('permission denied')
    requests.propose = () => refusal
    node.propose(11)
    expect(await Promise.all(told)).toEqual([['refused'], [refusal]])
    expect(node.state).toBe('stopped')
    await node.stop()
  })

  test('`refused`: the store no longer renews its session', async () => {
    const clock = new VirtualClock()
    const { link, requests } = makeLink(clock)
    const locker = lockerOn(link, clock)
    const [leader, follower] = ['a', 'b'].map((id) => locker({ path, id, value: id, ttl: 10 }))
    if (leader === undefined || follower === undefined) throw new Error('no nodes')
    await leader.start()
    await follower.start()
    const told = [once(leader, 'deselect'), once(leader, 'error'), once(follower, 'error')]
    const refusal = new RefusedError('authentication failed')
    requests.renew = () => refusal
    await clock.advance(5_000)
    expect(await Promise.all(told)).toEqual([['refused'], [refusal], [refusal]])
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
