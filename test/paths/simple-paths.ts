import { getAdjacencyMap, type PathGenerator } from 'xstate/graph'
import type { ModelEvent, TestSnapshot } from './test-machine.js'

type Generator = PathGenerator<TestSnapshot, ModelEvent, unknown>
type Steps = ReturnType<Generator>[number]['steps']

/** Every path of XState begins with this event, which its types do not know. */
const INIT = { type: 'xstate.init' } as never

/**
 * All paths on which `placeOf` is never the same twice, and that cannot go on so or have reached
 * `longest` steps. XState's own generator knows no such limit, and without one the paths through a
 * world as large as this one are beyond number.
 */
export function simplePaths(
  placeOf: (snapshot: TestSnapshot) => string,
  longest = Number.POSITIVE_INFINITY,
): Generator {
  return (logic, options) => {
    const { serializeState } = options
    if (serializeState === undefined) throw new Error('simplePaths: serializeState is missing')
    const adjacency = getAdjacencyMap(logic, options)
    const transitionsFrom = (key: string): Steps =>
      Object.values(new Map(Object.entries(adjacency)).get(key)?.transitions ?? {})
    const visited = new Set<string>()
    const found: Steps[] = []

    const walk = (state: TestSnapshot, steps: Steps): void => {
      const place = placeOf(state)
      visited.add(place)
      const onward = transitionsFrom(serializeState(state, undefined)).filter(
        (step) => !visited.has(placeOf(step.state)),
      )
      if (onward.length === 0 || steps.length > longest) found.push(steps)
      else for (const step of onward) walk(step.state, [...steps, step])
      visited.delete(place)
    }

    // The first that was looked at is where everything begins.
    const [start] = Object.values(adjacency)
    if (start !== undefined) walk(start.state, [{ state: start.state, event: INIT }])
    return found.map((steps) => ({
      state: steps.at(-1)?.state ?? start.state,
      steps,
      weight: steps.length - 1,
    }))
  }
}
