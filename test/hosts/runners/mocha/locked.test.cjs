const assert = require('node:assert')
const sinon = require('sinon')
const locked = require('locked')
const { MemoryCluster } = require('locked/testing')

afterEach(() => sinon.restore())

it('a node is elected on etcd', async () => {
  const node = locked(process.env.HOSTS)('/mocha', { value: 1, ttl: 3 })
  await node.start()
  assert.equal(node.isLeader, true)
  await node.stop()
}).timeout(60_000)

it('a cluster of its own keeps its clock, whatever timers are faked', async () => {
  sinon.useFakeTimers()
  const cluster = new MemoryCluster()
  const node = cluster.node('/tested', { value: 1 })
  const starting = node.start()
  await cluster.advance(1_000)
  await starting
  assert.equal(node.isLeader, true)
})

it('faked timers move a node on memory', async () => {
  const clock = sinon.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'],
  })
  const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
  await node.start()
  for (let second = 0; second < 12; second += 1) await clock.tickAsync(1_000)
  assert.equal(node.isLeader, true)
  await node.stop()
})
