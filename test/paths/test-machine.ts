/**
 * The shipped machine in the form that `createTestModel` takes, and beside its context the world that it
 * acts in: a service becomes an entry action that notes what it was started with.
 */
import { assign, enqueueActions, initialTransition, type SnapshotFrom, setup } from 'xstate'
import {
  type ElectionContext,
  type ElectionEvent,
  type ElectionInput,
  electionMachine,
  type Json,
} from '../../machines/election.js'
import { withExecutor } from '../../src/testing/with-executor.js'
import { withoutServices } from '../../src/testing/without-services.js'

/**
 * What stands at the path on the server, whether or not the node knows. A record of the node's own is
 * `unconfirmed` after a claim that had no answer, and `leftover` once the session it stands under has
 * ended. A rival that is `leaving` has written its notice, and its deletion is on its way.
 */
export type Standing = 'vacant' | 'mine' | 'unconfirmed' | 'leftover' | 'rival' | 'leaving' | 'junk'

/** Whether it is a record of the node's own. */
export function isOwn(standing: Standing): boolean {
  return standing === 'mine' || standing === 'unconfirmed' || standing === 'leftover'
}

/** What the node's world is like, as far as it decides what can happen next. */
export interface World {
  readonly standing: Standing
  /** The node's session; the lease of one that is `gone` was revoked, and the node does not know. */
  readonly session: 'none' | 'open' | 'gone'
  /** Whether a claim is on its way, and the value it carries. */
  readonly claim: { readonly value: Json } | null
  /** The value on its way to the path. */
  readonly write: { readonly value: Json; readonly carriedOut: boolean } | null
  /** Whether the network keeps a claim that the node has given up. */
  readonly late: boolean
  /** Whether the leader's work goes on after it was told to end. */
  readonly working: boolean
  /** Whether the node is another process's, restored from its snapshot. */
  readonly restored: boolean
  /** Whether a node beside this one, of the same locker, keeps the session after this one has left it. */
  readonly kept: boolean
  /** Whether a request under the session that there is had no answer. */
  readonly asked: boolean
  /** Whether an operator has deleted the record, and the leader's watch has not told yet. */
  readonly robbed: boolean
  /** Whether others wait to be handed over to. */
  readonly heir: boolean
}

/** Something that happens to the node, and what it does to the world. */
export interface ModelEvent {
  readonly type: ElectionEvent['type'] | 'backoff' | 'courtesy' | 'untilListed' | 'untilChosen'
  /** How it is brought about. */
  readonly cause: string
  readonly world?: Partial<World>
  readonly [payload: string]: unknown
}

export type ModelContext = ElectionContext & { readonly world: World }

type Config = Readonly<Record<string, unknown>>

/** Of whom there are paths. */
export const INPUT: ElectionInput = {
  path: '/master',
  id: 'node',
  instance: 'mine',
  value: 'value 0',
  ttl: 60,
  isSole: true,
}

export function testMachineFrom(config: Config = { ...electionMachine.config }) {
  const world: World = {
    standing: 'vacant',
    session: 'none',
    claim: null,
    write: null,
    late: false,
    working: false,
    restored: false,
    kept: false,
    asked: false,
    robbed: false,
    heir: false,
  }
  const derived = withoutServices(config, {
    begin: (service) => ({ type: 'begin', params: { service } }),
    taken: 'noteWorld',
  })
  const machine = setup({
    types: {
      context: {} as ModelContext,
      events: {} as ModelEvent,
      input: {} as ElectionInput,
    },
  })
    .createMachine({
      ...(derived as object),
      // What is older than XState 5.19 gives a machine no input.
      context: ({ input = INPUT }) => ({
        ...initialTransition(electionMachine, input)[0].context,
        world,
      }),
    })
    .provide({
      // Made for the shipped machine, whose events and context are part of these.
      guards: electionMachine.implementations.guards,
      actions: { ...electionMachine.implementations.actions, ...actions },
    } as object)
  return withExecutor(machine)
}

export type TestMachine = ReturnType<typeof testMachineFrom>
export type TestSnapshot = SnapshotFrom<TestMachine>

const actions = {
  noteWorld: assign(({ context, event }: { context: ModelContext; event: ModelEvent }) => {
    const world = { ...context.world, ...event.world }
    // Whatever was asked under a session that is over has gone with it.
    return { world: world.session === 'none' ? { ...world, asked: false } : world }
  }),
  /** A service begins. Some of them may have nothing to do, and answer at once. */
  begin: enqueueActions(({ context, enqueue }, { service }: { service: string }) => {
    const { world, value, entered } = context as ModelContext
    const become = (change: Partial<World>) => enqueue.assign({ world: { ...world, ...change } })
    if (service === 'campaign') become({ claim: { value } })
    if (service === 'propose') become({ write: { value, carriedOut: false } })
    // Under a request that is given up another value may come to stand there.
    if (service === 'enqueue') become({ asked: true })
    if (service === 'drain' && !world.working) {
      const drained = { type: 'drained', waiting: null }
      enqueue.raise(drained)
    }
    // What it is to release has gone with the session.
    if (service === 'release' && world.session === 'none') {
      enqueue.raise({ type: entered === null ? 'released' : 'deleted' })
    }
    if (service === 'leave' && world.session === 'none') enqueue.raise({ type: 'released' })
    if (service === 'settle' && !(world.kept && world.asked && world.session === 'open')) {
      enqueue.raise({ type: 'settled' })
    }
  }),
}
