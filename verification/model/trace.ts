/** The way to a world, told as it happened: with the same node under the same name throughout. */
import type { Bounds } from './bounds.js'
import { describeStep, describeWorld } from './describe.js'
import type { Exploration } from './explore.js'
import { renumberChanges } from './normalise.js'
import type { StepName } from './step.js'
import { forEachStep } from './steps.js'
import type { Setting } from './tell.js'
import { copyWorld, newWorld, type World } from './world.js'

/** A way through the model, from its beginning. */
export interface Trace {
  /** One line for each step. */
  readonly steps: readonly string[]
  readonly names: readonly StepName[]
  /** The world it ends in, in a few lines. */
  readonly end: string
}

export function traceTo(
  world: number,
  { packing, table, parents }: Exploration,
  bounds: Bounds,
  setting: Setting,
): Trace {
  const way: number[] = []
  for (let at = world; at > 0; at = parents.at(at)) way.push(at)
  way.reverse()

  const steps: string[] = []
  const names: StepName[] = []
  let now = newWorld(bounds.nodes)
  let last = now
  for (const number of way) {
    let found: World | undefined
    forEachStep(now, bounds, setting, (next, _, step) => {
      if (found !== undefined) return
      // Worlds are made equal as they are packed; what really happened is told from the original.
      const happened = copyWorld(next)
      const words = packing.pack(next)
      const isIt =
        number === table.size
          ? next.broken !== ''
          : next.broken === '' && isSame(words, table.stored, number * packing.words)
      if (!isIt) return
      found = copyWorld(next)
      last = happened
      names.push(step.name)
      steps.push(describeStep(step, now, happened))
    })
    if (found === undefined) throw new Error('model: a way that was found cannot be gone again')
    renumberChanges(found)
    now = found
  }
  return { steps, names, end: describeWorld(last) }
}

function isSame(words: Int32Array, stored: Int32Array, from: number): boolean {
  return words.every((word, index) => stored[from + index] === word)
}
