import { expect, test } from 'vitest'
import { MemoryStore } from '../../../src/stores/memory.js'
import { lockerOn, path } from './nodes.js'

test('many nodes on one path have one leader at a time, until the last has gone', async () => {
  const store = new MemoryStore()
  const locker = lockerOn(store)
  const nodes = Array.from({ length: 30 }, (_, value) =>
    locker({ path, id: `node ${value}`, value }),
  )
  const elected: number[] = []
  let tell = () => {}
  for (const node of nodes) {
    node.on('select', () => {
      elected.push(nodes.filter(({ isLeader }) => isLeader).length)
      tell()
    })
  }
  await Promise.all(nodes.map((node) => node.start()))
  for (let left = nodes.length; left > 0; left -= 1) {
    const next = new Promise<void>((resolve) => {
      tell = resolve
    })
    await nodes.find(({ isLeader }) => isLeader)?.stop()
    if (left > 1) await next
  }
  expect(elected).toEqual(nodes.map(() => 1))
  expect(store.entries().size).toBe(0)
  expect(store.leases()).toEqual([])
})
