import {
  type AnyActorRef,
  type EventObject,
  initialTransition,
  type MetaObject,
  type ParameterizedObject,
  type ProvidedActor,
  type SnapshotFrom,
  type StateMachine,
  type StateSchema,
  setup,
} from 'xstate'
import {
  type ElectionContext,
  type ElectionInput,
  type ElectionMachine,
  electionMachine,
} from '../../machines/election.js'
import { assertWhole, type StatechartTestEvent } from './statechart-test-event.js'
import { withExecutor } from './with-executor.js'
import { withoutServices } from './without-services.js'

/** Its snapshots are in the states that the statechart’s own are in. */
export type StatechartTestMachine = StateMachine<
  ElectionContext,
  StatechartTestEvent,
  Record<string, AnyActorRef | undefined>,
  ProvidedActor,
  ParameterizedObject,
  ParameterizedObject,
  string,
  SnapshotFrom<ElectionMachine>['value'],
  string,
  unknown,
  unknown,
  EventObject,
  MetaObject,
  StateSchema
>

/**
 * The statechart of `locked/machine` in the form that `createTestModel` takes, which allows neither
 * invoked services nor delays: what the services would report, and the ends of `backoff`, `courtesy`,
 * `untilListed` and `untilChosen`, are events like any other. Its states, guards and context are those that ship.
 *
 * Most of its events carry something, and its context grows with time: give `createTestModel` a
 * `serializeState` that tells apart what is to be told apart, and `getShortestPaths` the `events` that
 * can come in a snapshot. One that lacks what it should carry is a TypeError.
 */
export function statechartTestMachine(input: Partial<ElectionInput> = {}): StatechartTestMachine {
  const [{ context }] = initialTransition(electionMachine, {
    path: 'path',
    id: 'node',
    instance: 'node',
    value: null,
    ttl: 10,
    ...input,
  })
  const { guards, actions } = electionMachine.implementations
  const machine = setup({
    types: { context: {} as ElectionContext, events: {} as StatechartTestEvent },
  })
    .createMachine({ ...(withoutServices({ ...electionMachine.config }) as object), context })
    .provide({ guards, actions } as object)
  const { transition } = withExecutor(machine)
  machine.transition = (snapshot, event, scope) => {
    assertWhole(event)
    return transition(snapshot, event, scope)
  }
  // What is made of a config that TypeScript does not see into knows none of its states.
  return machine as unknown as StatechartTestMachine
}
