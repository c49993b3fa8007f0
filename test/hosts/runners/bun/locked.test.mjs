import { afterEach, expect, jest, test } from 'bun:test'
import locked, { UnreachableError } from 'locked'
import { MemoryCluster } from 'locked/testing'

afterEach(() => {
  jest.useRealTimers()
})

test('import gives what require gives', () => {
  const required = require('locked')
  expect(locked).toBe(required)
  expect(UnreachableError).toBe(required.UnreachableError)
})

test('a node is elected on etcd', async () => {
  const node = locked(process.env.HOSTS)('/bun', { value: 1, ttl: 3 })
  await node.start()
  expect(node.isLeader).toBe(true)
  await node.stop()
}, 60_000)

test('a cluster of its own keeps its clock, whatever timers are faked', async () => {
  jest.useFakeTimers()
  const cluster = new MemoryCluster()
  const node = cluster.node('/tested', { value: 1 })
  const starting = node.start()
  await cluster.advance(1_000)
  await starting
  expect(node.isLeader).toBe(true)
})

test('faked timers move a node on memory', async () => {
  jest.useFakeTimers()
  const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
  const lost = jest.fn()
  node.on('deselect', lost)
  await node.start()
  for (let second = 0; second < 60; second += 1) {
    jest.advanceTimersByTime(1_000)
    // What is due then is answered in microtasks.
    for (let turn = 0; turn < 20; turn += 1) await null
  }
  expect(node.isLeader).toBe(true)
  expect(lost).not.toHaveBeenCalled()
  await node.stop()
})
