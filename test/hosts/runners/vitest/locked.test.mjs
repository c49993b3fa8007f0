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
