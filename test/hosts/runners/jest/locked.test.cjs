const locked = require('locked')
const { electionMachine } = require('locked/machine')
const { MemoryCluster } = require('locked/testing')

afterEach(() => {
  jest.useRealTimers()
})

test('require gives the function, with the classes of errors', () => {
  expect(typeof locked).toBe('function')
  expect(new locked.UnreachableError('x')).toBeInstanceOf(locked.LockedError)
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
  cluster.cut(node)
  await cluster.advance(10_000)
  expect(node.isLeader).toBe(false)
})

test('faked timers move a node on memory', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
  await node.start()
  // Renewed twice meanwhile.
  for (let second = 0; second < 12; second += 1) await jest.advanceTimersByTimeAsync(1_000)
  expect(node.isLeader).toBe(true)
  await node.stop()
})
