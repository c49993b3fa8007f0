import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryCluster } from '../../src/testing/cluster.js'
import { anything } from './anything.js'

const path = '/untrusted'

test('whatever is written over a leader’s record, there is one leader once it is gone', async () => {
  const cluster = new MemoryCluster()
  const [a, b] = ['a', 'b'].map((id) => cluster.node(path, { id, value: id, ttl: 5 }))
  if (a === undefined || b === undefined) throw new Error('there are two')
  const told: string[] = []
  for (const node of [a, b]) {
    node.on('error', ({ message }) => told.push(message))
    node.on('deselect', (reason) => told.push(reason))
    void node.start()
    await cluster.advance(10)
  }
  const { instance } = a.actor.getSnapshot().context
  await fc.assert(
    fc.asyncProperty(anything(instance), fc.boolean(), async (bytes, isTwice) => {
      told.length = 0
      expect([a, b].filter(({ isLeader }) => isLeader)).toHaveLength(1)
      for (let time = 0; time <= Number(isTwice); time += 1) {
        cluster.store.put(path, bytes.toString())
        await cluster.advance(10)
      }
      expect(told).toEqual(['overwritten'])
      expect([a.isLeader, b.isLeader]).toEqual([false, false])
      expect([a, b].map(({ actor }) => actor.getSnapshot().status)).toEqual(['active', 'active'])
      cluster.store.delete(path)
      await cluster.advance(3_000)
    }),
    { numRuns: 200 },
  )
  for (const node of [a, b]) {
    const stopped = node.stop()
    await cluster.advance(100)
    await stopped
  }
  expect(cluster.store.leases()).toEqual([])
}, 120_000)
