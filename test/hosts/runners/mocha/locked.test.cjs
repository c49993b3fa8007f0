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

for (const [what, faked] of [
  ['all that sinon fakes', undefined],
  ['some of it', { toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }],
]) {
  it(`faked timers move a node on memory: ${what}`, async () => {
    const clock = sinon.useFakeTimers(faked)
    const node = locked('memory:')('/faked', { value: 1, ttl: 10 })
    const lost = sinon.fake()
    node.on('deselect', lost)
    await node.start()
    await clock.tickAsync(60_000)
    assert.equal(node.isLeader, true)
    assert.equal(lost.callCount, 0)
    await node.stop()
  })
}
