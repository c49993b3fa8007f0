import assert from 'node:assert'
import { createRequire } from 'node:module'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import locked, { UnreachableError } from 'locked'
import { MemoryCluster } from 'locked/testing'

test('import gives what require gives', () => {
  const required = createRequire(import.meta.url)('locked')
  assert.equal(locked, required)
  assert.equal(UnreachableError, required.UnreachableError)
})

test('a node is elected on etcd', async () => {
  const node = locked(process.env.HOSTS)('/node-test', { value: 1, ttl: 3 })
  await node.start()
  assert.equal(node.isLeader, true)
  await node.stop()
})

test('a cluster of its own keeps its clock, whatever timers are faked', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
  try {
    const cluster = new MemoryCluster()
    const node = cluster.node('/tested', { value: 1 })
    const starting = node.start()
    await cluster.advance(1_000)
    await starting
    assert.equal(node.isLeader, true)
  } finally {
    mock.timers.reset()
  }
})

test('faked timers move a node on memory', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  try {
    const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
    const lost = mock.fn()
    node.on('deselect', lost)
    await node.start()
    for (let second = 0; second < 60; second += 1) {
      mock.timers.tick(1_000)
      await turn()
    }
    assert.equal(node.isLeader, true)
    assert.equal(lost.mock.callCount(), 0)
    await node.stop()
  } finally {
    mock.timers.reset()
  }
})
