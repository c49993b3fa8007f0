import type { AnyActorScope, AnyStateMachine } from 'xstate'

/**
 * Lets the machine’s paths be made by what is older than XState 5.19, such as `@xstate/test`
 * 1.0.0-beta.5: it brings nothing that executes actions, and XState’s own actions ask for that. In a
 * path they are not executed in any case. Changes that machine, and returns it.
 */
export function withExecutor<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const { getInitialSnapshot, transition } = machine
  machine.getInitialSnapshot = (scope, input) =>
    getInitialSnapshot.call(machine, whole(scope), input)
  machine.transition = (snapshot, event, scope) =>
    transition.call(machine, snapshot, event, whole(scope))
  return machine
}

function whole(scope: AnyActorScope): AnyActorScope {
  const { actionExecutor }: Partial<AnyActorScope> = scope
  return actionExecutor === undefined ? { ...scope, actionExecutor: () => {} } : scope
}
