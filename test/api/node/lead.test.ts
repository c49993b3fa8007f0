import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Leadership } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { gate, lockerOn, path, record, standing, turns, twoStarted } from './nodes.js'

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
