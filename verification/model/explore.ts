/** Every world that can be reached, nearest first, and the fair steps between them. */
import type { Bounds } from './bounds.js'
import { normaliserFor } from './normalise.js'
import { Packing } from './pack.js'
import { findViolation, isSettled, needsLeader, type ViolationKind } from './properties.js'
import { forEachStep } from './steps.js'
import { Numbers, WorldTable } from './table.js'
import type { Setting } from './tell.js'
import { newWorld } from './world.js'

/** What matters of a world for whether the election gets anywhere. */
export const Progress = { needed: 1, settled: 2 } as const

export interface Exploration {
  readonly packing: Packing
  readonly table: WorldTable
  /** From which world each was first reached. */
  readonly parents: Numbers
  readonly progress: Numbers
  /** The fair steps of world n lead to `fairTo` from `fairFrom[n]` up to `fairFrom[n + 1]`. */
  readonly fairFrom: Numbers
  readonly fairTo: Numbers
  readonly transitions: number
  /** The longest shortest way to a world. */
  readonly depth: number
  /** False when the search ended at `mostStates`. */
  readonly complete: boolean
  /** Its world is `table.size` when the step itself was wrong, and its world was not stored. */
  readonly violation: { readonly kind: ViolationKind; readonly world: number } | null
}

export interface ExploreOptions {
  readonly bounds: Bounds
  readonly setting: Setting
  readonly mostStates: number
  readonly onProgress?: ((states: number, explored: number) => void) | undefined
}

export function explore({ bounds, setting, mostStates, onProgress }: ExploreOptions): Exploration {
  const packing = new Packing(bounds, normaliserFor(setting, bounds.resets))
  const table = new WorldTable(packing.words)
  const parents = new Numbers()
  const progress = new Numbers()
  const depths = new Numbers()
  const fairFrom = new Numbers()
  const fairTo = new Numbers()
  let transitions = 0
  let violation: Exploration['violation'] = null

  const first = newWorld(bounds.nodes)
  table.add(packing.pack(first))
  parents.push(-1)
  depths.push(0)
  progress.push(0)

  let current = 0
  for (; current < table.size && violation === null && table.size <= mostStates; current += 1) {
    const world = packing.unpack(table.stored, current * packing.words)
    fairFrom.push(fairTo.length)
    forEachStep(world, bounds, setting, (next, fair) => {
      if (violation !== null) return
      transitions += 1
      const packed = packing.pack(next)
      if (next.broken !== '') {
        // A step that is wrong in itself leads nowhere: what it did is not part of any world.
        violation = { kind: findViolation(next, setting.laws) ?? next.broken, world: table.size }
        parents.push(current)
        return
      }
      const before = table.size
      const number = table.add(packed)
      if (number === before) {
        parents.push(current)
        depths.push(depths.at(current) + 1)
        progress.push(
          (needsLeader(next) ? Progress.needed : 0) | (isSettled(next) ? Progress.settled : 0),
        )
        const kind = findViolation(next, setting.laws)
        if (kind !== null) violation = { kind, world: number }
      }
      if (fair && fairTo.at(fairTo.length - 1) !== number) fairTo.push(number)
      else if (fair && fairTo.length === fairFrom.at(current)) fairTo.push(number)
    })
    if (current % 50_000 === 0) onProgress?.(table.size, current)
  }
  fairFrom.push(fairTo.length)
  return {
    packing,
    table,
    parents,
    progress,
    fairFrom,
    fairTo,
    transitions,
    depth: depths.at(table.size - 1),
    complete: current === table.size,
    violation,
  }
}
