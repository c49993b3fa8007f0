import { createRequire } from 'node:module'
import locked, { UnreachableError } from 'locked'
import { MemoryCluster } from 'locked/testing'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
})

test('import gives what require gives', () => {
  const required = createRequire(import.meta.url)('locked')
  expect(locked).toBe(required)
  expect(UnreachableError).toBe(required.UnreachableError)
})

test('a node is elected on etcd', { timeout: 60_000 }, async () => {
  const node = locked(process.env.HOSTS)('/vitest', { value: 1, ttl: 3 })
  await node.start()
  expect(node.isLeader).toBe(true)
  await node.stop()
})

test('a cluster of its own keeps its clock, whatever timers are faked', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'] })
  const cluster = new MemoryCluster()
  const node = cluster.node('/tested', { value: 1 })
  const starting = node.start()
  await cluster.advance(1_000)
  await starting
  expect(node.isLeader).toBe(true)
})

test.each([
  ['all that vitest fakes', undefined],
  ['some of it', { toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }],
])('faked timers move a node on memory: %s', async (_what, faked) => {
  vi.useFakeTimers(faked)
  const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
  const lost = vi.fn()
  node.on('deselect', lost)
  await node.start()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(node.isLeader).toBe(true)
  expect(lost).not.toHaveBeenCalled()
  await node.stop()
})

test('all at once is more than a session lasts: that ends, as on a machine that has slept', async () => {
  vi.useFakeTimers()
  const node = locked('memory:')('/slept', { value: 1, ttl: 10 })
  await node.start()
  const lost = vi.fn()
  node.on('deselect', lost)
  vi.advanceTimersByTime(60_000)
  expect(lost).toHaveBeenCalledWith('expired')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(node.isLeader).toBe(true)
  await node.stop()
})
