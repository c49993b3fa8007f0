import { describe } from 'vitest'
import { replaceUnder } from './replaced.js'
import { restorations } from './replacing.js'
import { test } from './scene.js'
import { someOf } from './table.js'

for (const [nth, way] of restorations.entries()) {
  describe(way.title, () => {
    for (const { topology, moment } of someOf(nth)) {
      test(`of ${topology.title}, ${moment.title}`, async ({ scene }) => {
        await replaceUnder(scene, way, topology, moment)
      })
    }
  })
}
