import { describe, expect, test } from 'vitest'
import { leafOf } from './chart.js'
import { keyOf, labelOf, type Path, pathModel } from './model.js'
import { Coverage, runPath } from './run.js'
import type { Server } from './scene.js'
import { simplePaths } from './simple-paths.js'
import { testMachineFrom } from './test-machine.js'

/** How many steps the paths of LOCKED_PATHS=simple have at most. */
const LONGEST = Number(process.env.LOCKED_PATHS_STEPS ?? 6)
const ALL = process.env.LOCKED_PATHS === 'simple'
const timeout = 3_600_000

export interface Extent {
  /** `covering`: so many of them that every event comes, in every way, in every state of the machine. */
  readonly shortest: 'all' | 'covering'
}

/** Runs paths of the shipped machine on a store; each path competes for a key of its own. */
export function describePaths(store: string, serve: () => Server, { shortest }: Extent): void {
  const machine = testMachineFrom()
  const states = pathModel(machine, 'states')

  const runAll = async (title: string, paths: readonly Path[]): Promise<Coverage> => {
    const since = Date.now()
    const coverage = new Coverage()
    for (const path of paths) await runPath(path, { machine, serve }, coverage)
    console.log(`${title} on ${store}: ${coverage.report(since)}`)
    return coverage
  }

  describe(`a node on ${store} does what the machine says`, { timeout }, () => {
    const runsAll = shortest === 'all' || ALL
    const which = runsAll ? 'all shortest paths' : 'shortest paths'
    test(`on ${which}, and they take every transition`, async () => {
      const all = pathModel(machine, 'transitions').getShortestPaths()
      const { missed } = await runAll(which, runsAll ? all : covering(all))
      expect(missed).toEqual({ states: [], transitions: [] })
    })

    test(`on ${ALL ? 'all paths' : 'paths'} that enter no state of the machine twice`, async () => {
      const paths = states.getPaths(
        simplePaths(({ value }) => leafOf(value)),
        { allowDuplicatePaths: true },
      )
      const title = `${ALL ? 'all simple' : 'simple'} paths through the machine`
      const { missed } = await runAll(title, ALL ? paths : covering(paths))
      // What was left is found by a second claim only.
      expect(missed.states).toEqual(['campaigning.clearing'])
    })

    test.runIf(ALL)(
      `on all paths of up to ${LONGEST} steps that enter no state of machine and world twice`,
      async () => {
        const paths = states.getPaths(simplePaths(keyOf, LONGEST), { allowDuplicatePaths: true })
        const title = `all simple paths of up to ${LONGEST} steps through machine and world`
        const { missed } = await runAll(title, paths)
        expect(missed.states).toEqual([])
      },
    )
  })
}

/** Leaves out the paths on which nothing happens that has not happened, in that state, on one before. */
export function covering(paths: readonly Path[]): Path[] {
  const happened = new Set<string>()
  return paths.filter(({ steps }) => {
    const known = happened.size
    for (const [index, { event, state }] of steps.entries()) {
      const from = steps[index - 1]
      if (from === undefined) continue
      const [before, after] = [from, { state }].map((step) => leafOf(step.state.value))
      happened.add(`${before} ${labelOf(event)} ${after}`)
    }
    return happened.size > known
  })
}
