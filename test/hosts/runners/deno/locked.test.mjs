import assert from 'node:assert'
import { createRequire } from 'node:module'
import locked, { UnreachableError } from 'locked'
import { MemoryCluster } from 'locked/testing'

const { test } = globalThis.Deno

test('import gives what require gives', () => {
  const required = createRequire(import.meta.url)('locked')
  assert.equal(locked, required)
  assert.equal(UnreachableError, required.UnreachableError)
})

// Each fails if it leaves a timer or a connection behind.
for (const hosts of ['memory:', process.env.HOSTS]) {
  test(`a node is elected on ${hosts}`, async () => {
    const node = locked(hosts)('/deno', { value: 1, ttl: 3 })
    await node.start()
    assert.equal(node.isLeader, true)
    await node.stop()
  })
}

test('a cluster of its own keeps its clock', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node('/tested', { value: 1 })
  const starting = node.start()
  await cluster.advance(1_000)
  await starting
  assert.equal(node.isLeader, true)
})
