import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import locked from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { known, lockerOn, path, standing, stopAll } from './nodes.js'

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
