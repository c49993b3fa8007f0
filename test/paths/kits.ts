import { describe, expect, test } from 'vitest'
import type { Kit } from '../testing/kits.js'
import { eventsIn, serialization } from './model.js'
import { Coverage, runPath } from './run.js'
import type { Server } from './scene.js'
import { covering } from './suite.js'
import { testMachineFrom } from './test-machine.js'

/** However busy the machine is. */
const timeout = 3_600_000

/** Runs paths of the shipped machine that other kits than XState's own make of it. */
export function describeKits(store: string, serve: () => Server, kits: readonly Kit[]): void {
  describe.each(kits)(`$name makes paths for a node on ${store}`, { timeout }, (kit) => {
    test('the shortest, which take every transition of the statechart', async () => {
      const machine = testMachineFrom()
      const model = kit.createTestModel(machine, serialization('transitions'))
      const since = Date.now()
      const coverage = new Coverage()
      for (const path of covering(model.getShortestPaths({ events: eventsIn }))) {
        await runPath(path, { machine, serve }, coverage)
      }
      console.log(`shortest paths of ${kit.name} on ${store}: ${coverage.report(since)}`)
      expect(coverage.missed).toEqual({ states: [], transitions: [] })
    })
  })
}
