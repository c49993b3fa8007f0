import { expect, test } from 'vitest'
import { copyInto, newWorld } from '../../../verification/model/world.js'

test('a copy of a world has everything of it, and shares no node with it', () => {
  const world = newWorld(2)
  let value = 1
  for (const part of [world, ...world.nodes]) {
    for (const [key, before] of Object.entries(part)) {
      value += 1
      if (!Array.isArray(before)) Object.assign(part, { [key]: value })
    }
  }
  const lists = { changes: [{}], late: [{}], robbed: [1] }
  Object.assign(world, lists)
  const copy = newWorld(2)
  copyInto(copy, world)
  expect(copy).toEqual(world)
  for (const [index, node] of world.nodes.entries()) expect(copy.nodes[index]).not.toBe(node)
})
