import { createRequire } from 'node:module'
import locked, { LockedError, UnreachableError } from 'locked'
import { electionMachine } from 'locked/machine'
import { MemoryCluster } from 'locked/testing'

const { jest } = import.meta

afterEach(() => {
  jest.useRealTimers()
})

test('import gives what require gives', () => {
  const required = createRequire(import.meta.url)('locked')
  expect(locked).toBe(required)
  expect(new required.UnreachableError('x')).toBeInstanceOf(LockedError)
  expect(UnreachableError).toBe(required.UnreachableError)
  expect(electionMachine.id).toBe('election')
})

test('a node is elected on etcd', async () => {
  const node = locked(process.env.HOSTS)('/jest', { value: 1, ttl: 3 })
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

test('faked timers move a node on memory, and its start and stop as well', async () => {
  jest.useFakeTimers()
  const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
  const lost = jest.fn()
  node.on('deselect', lost)
  const starting = node.start()
  await jest.advanceTimersByTimeAsync(1)
  await starting
  await jest.advanceTimersByTimeAsync(60_000)
  expect(node.isLeader).toBe(true)
  expect(lost).not.toHaveBeenCalled()
  const stopping = node.stop()
  await jest.advanceTimersByTimeAsync(1)
  await stopping
})
