/** The parts of a statechart, by name. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'

/** The names of all states that have no children. */
export function leavesOf(machine: AnyStateMachine): readonly string[] {
  return allStates(machine.root)
    .filter(({ type }) => type === 'atomic' || type === 'final')
    .map(({ path }) => path.join('.'))
}

/** The names of all transitions: each guarded branch is one, and so are `always` and `after`. */
export function transitionsOf(machine: AnyStateMachine): readonly string[] {
  return allStates(machine.root).flatMap((state) => branchesOf(state).map(nameOf))
}

/** `source on event`, with the guard or the place among several branches where there are any. */
export function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition
  const branches = branchesOf(source).filter((branch) => branch.eventType === eventType)
  const name = `${source.path.join('.') || 'root'} ${eventOf(eventType)}`
  return branches.length === 1 ? name : `${name} #${branches.indexOf(transition) + 1}`
}

/** `campaigning.claiming` for `{ campaigning: 'claiming' }`. */
export function leafOf(value: unknown): string {
  if (typeof value === 'string') return value
  const [entry] = Object.entries(Object(value))
  if (entry === undefined) throw new Error(`not a state value: ${JSON.stringify(value)}`)
  return `${entry[0]}.${leafOf(entry[1])}`
}

function allStates(state: AnyStateNode): AnyStateNode[] {
  return [state, ...Object.values(state.states).flatMap(allStates)]
}

function branchesOf({ transitions, always = [] }: AnyStateNode): AnyTransitionDefinition[] {
  return [...transitions.values()].flat().concat(always)
}

function eventOf(eventType: string): string {
  if (eventType === '') return 'always'
  return /^xstate\.after\.([^.]+)\./.exec(eventType)?.[1] ?? eventType
}
