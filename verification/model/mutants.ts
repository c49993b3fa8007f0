/**
 * Elections with a mistake in them, each of which the checker must catch: a checker that finds
 * nothing wrong with these would find nothing wrong with anything.
 */
import { assign, createMachine } from 'xstate'
import {
  type ElectionContext,
  type ElectionEvent,
  electionMachine,
  type ServiceInput,
  type Waiting,
} from '../../machines/election.js'
import type { Bounds } from './bounds.js'
import type { Laws } from './faults.js'
import type { ViolationKind } from './properties.js'
import type { Machine } from './world.js'

/** An election with a mistake, which the model must find. */
export interface Variant {
  /** What it does wrong, as the end of the sentence "an election that …". */
  readonly name: string
  /** What it must be caught at. */
  readonly caughtAs: ViolationKind
  readonly machine?: Machine
  readonly laws?: Partial<Laws>
  /** The smallest bounds in which the mistake shows. */
  readonly bounds?: Partial<Bounds>
}

/** Two nodes, no more than what most mistakes need. */
export const VARIANT_BOUNDS: Partial<Bounds> = {
  nodes: 2,
  values: 1,
  changes: 1,
  late: 0,
  junk: false,
}

const QUIET: Partial<Bounds> = { deletes: false, crashes: false }
/** Nobody else is needed for them to show. */
const ALONE: Partial<Bounds> = { nodes: 1 }
const LATE: Partial<Bounds> = { ...QUIET, late: 1 }
/** A path that is handed to and fro, by leaders that are told to. */
const LATE_HAND_OVERS: Partial<Bounds> = { ...LATE, stops: false, transfers: true }
const RENEWALS: Partial<Bounds> = { ...QUIET, renewals: true }
const RESETS: Partial<Bounds> = { ...QUIET, resets: true, stops: false }
/** A node that enters as candidate asks the store, and so hears of it. */
const RESETS_UNHEARD: Partial<Bounds> = { ...QUIET, nodes: 1, resets: true, candidates: false }

/** Machines and worlds with one mistake each. */
export const VARIANTS: readonly Variant[] = [
  {
    name: 'ignores that its session expired',
    caughtAs: 'leader without a session',
    machine: rewire(({ leader }) => drop(leader?.on, 'expired')),
  },
  {
    name: 'uses a claim that came back after its session ended',
    caughtAs: 'leader without a session',
    machine: electionMachine.provide({ guards: { isValid: () => true } }),
  },
  {
    name: 'watches from one revision too late',
    caughtAs: 'leader without the path',
    machine: rewire(({ leader }) => {
      const watch = [leader?.invoke ?? []].flat().find(({ src }) => src === 'watch')
      if (watch === undefined) throw new Error('model: the leader no longer watches')
      const { input } = watch
      watch.input = (given) => {
        const right = input(given)
        return { ...right, revision: right.revision + 1 }
      }
    }),
  },
  {
    name: 'never repeats a claim that failed',
    caughtAs: 'stuck',
    machine: rewire(({ campaigning }) => drop(campaigning?.states?.waiting, 'after')),
    bounds: ALONE,
  },
  {
    name: 'takes any record with its id for its own reign',
    caughtAs: 'leader without the path',
    machine: rewire(({ leader }) => {
      transitionOf(leader, 'changed', 'own record').guard = hasOwnId
    }),
  },
  {
    name: 'goes on leading when its record is deleted',
    caughtAs: 'leader without the path',
    machine: rewire(({ leader }) => drop(leader?.on, 'vacated')),
  },
  {
    name: 'follows a claim of its own',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => leaveOut(follower, 'changed', 'claim of this node')),
    bounds: { ...LATE, nodes: 1 },
  },
  {
    name: 'goes on following when the path is vacant',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => drop(follower?.on, 'vacated')),
    bounds: ALONE,
  },
  {
    name: 'stops without a release',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      transitionOf(stopped?.states?.listing, 'listed', 'Nobody waits').target = 'released'
    }),
    bounds: QUIET,
  },
  {
    name: 'campaigns without a session',
    caughtAs: 'stuck',
    laws: { claimsWithoutLease: true },
    bounds: ALONE,
  },
  {
    name: 'claims a path that is held',
    caughtAs: 'two leaders',
    laws: { claimsWithoutCompare: true },
  },
  {
    name: 'leads as soon as the holder has stood down',
    caughtAs: 'leader without the path',
    machine: rewire(({ follower }) => {
      transitionOf(follower, 'changed', 'stands down').target = 'leader'
    }),
  },
  {
    name: 'takes over a record of its own instead of releasing it',
    caughtAs: 'token not higher',
    laws: { adoptsOwnRecord: true },
    bounds: { deletes: false },
  },
  {
    name: 'leads by a record of its own that it finds',
    caughtAs: 'leader without a session',
    machine: rewire(({ campaigning }) => {
      const found = transitionOf(campaigning?.states?.claiming, 'held', 'earlier request')
      found.target = '#election.leader'
    }),
  },
  {
    name: 'releases a record with its own id',
    caughtAs: 'two leaders',
    machine: electionMachine.provide({
      guards: { isOwnRecord: hasOwnId, isOwnLease: () => true },
    }),
  },
  {
    name: 'releases without compare',
    caughtAs: 'two leaders',
    laws: { releasesWithoutCompare: true },
  },
  {
    name: 'releases by the token alone',
    caughtAs: 'junk deleted',
    laws: { releasesByTokenAlone: true },
    bounds: { junk: true },
  },
  {
    name: 'renews a session whose validity has ended',
    caughtAs: 'two leaders',
    laws: { renewsAfterTheEnd: true },
  },
  {
    name: 'runs on a store that expires leases while they are valid',
    caughtAs: 'two leaders',
    laws: { expiresEarly: true },
  },
  {
    name: 'watches from now on, not from its claim on',
    caughtAs: 'leader without the path',
    laws: { watchesFromNow: true },
  },
  {
    name: 'does not wait, when it stops, for the claim on its way',
    caughtAs: 'stuck',
    machine: rewire(({ campaigning }) => drop(campaigning?.states?.claiming?.on, 'stop')),
    bounds: QUIET,
  },
  {
    name: 'keeps what the claim has won that it was stopped in',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      drop(transitionOf(stopped?.states?.withdrawing, 'won'), 'actions')
    }),
    bounds: QUIET,
  },
  {
    name: 'forgets a claim that had no answer when it was stopped',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      drop(transitionOf(stopped?.states?.withdrawing, 'failed'), 'actions')
    }),
    bounds: QUIET,
  },
  {
    name: 'forgets a release that had no answer',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      drop(transitionOf(stopped?.states?.releasing, 'released', 'may still'), 'actions')
    }),
    bounds: QUIET,
  },
  {
    name: 'forgets every request that had no answer',
    caughtAs: 'stuck',
    machine: rewire((_, { actions }) => {
      actions.noteUnanswered = () => {}
      actions.noteUndeleted = () => {}
    }),
    bounds: QUIET,
  },
  {
    name: 'does not look for what it may have left',
    caughtAs: 'stuck',
    machine: electionMachine.provide({ guards: { isAnswered: () => true } }),
    bounds: QUIET,
  },
  {
    name: 'looks only once for what it may have left',
    caughtAs: 'stuck',
    machine: electionMachine.provide({ guards: { hasLookedEnough: () => true } }),
    bounds: LATE,
  },
  {
    name: 'leaves what it finds when it looks',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      leaveOut(stopped?.states?.settling, 'held', 'after all')
    }),
    bounds: QUIET,
  },
  {
    name: 'gives up what it has found when that could not be deleted',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      transitionOf(stopped?.states?.clearing, 'failed').target = 'released'
    }),
    bounds: QUIET,
  },
  {
    name: 'forgets a request that had no answer when it is started again',
    caughtAs: 'stuck',
    machine: rewire((_, { actions }) => {
      actions.beginAnew = assign({ attempt: 0, restart: false, holder: null, unanswered: null })
    }),
    bounds: QUIET,
  },
  {
    name: 'takes the answer to one claim for the answer to an earlier one',
    caughtAs: 'stuck',
    machine: rewire(({ campaigning }) => {
      const { claiming } = campaigning?.states ?? {}
      const held = transitionOf(claiming, 'held', 'Somebody else')
      held.actions = [held.actions ?? [], assign({ unanswered: null })].flat()
    }),
    bounds: LATE,
  },
  {
    name: 'ignores that it is to start again once it has stopped',
    caughtAs: 'stuck',
    machine: electionMachine.provide({ guards: { shallRestart: () => false } }),
    bounds: ALONE,
  },
  {
    name: 'hands over whoever holds the path',
    caughtAs: 'two leaders',
    laws: { handsOverWithoutCompare: true },
    bounds: LATE,
  },
  {
    name: 'releases whatever it holds under the same session',
    caughtAs: 'two leaders',
    laws: { releasesByLeaseAlone: true },
    bounds: LATE,
  },
  {
    name: 'clears whatever it holds under the same session',
    caughtAs: 'two leaders',
    laws: { clearsByLeaseAlone: true },
    bounds: LATE,
  },
  {
    name: 'writes its value over another node’s record',
    caughtAs: 'two leaders',
    laws: { proposesOverOthers: true },
    bounds: { ...LATE_HAND_OVERS, repeats: true },
  },
  {
    name: 'writes the value of an earlier reign in a later one',
    caughtAs: 'value of an earlier reign',
    laws: { proposesWithoutReign: true },
    bounds: { ...LATE_HAND_OVERS, repeats: true },
  },
  {
    name: 'guards a transaction by the lease, but not by the reign',
    caughtAs: 'transaction of an earlier reign',
    laws: { guardsWithoutReign: true },
    bounds: { ...LATE_HAND_OVERS, guards: true },
  },
  {
    name: 'leads by whatever record of its own comes to stand there',
    caughtAs: 'leader without a session',
    machine: electionMachine.provide({ guards: { isInstalled: () => true } }),
    bounds: LATE,
  },
  {
    name: 'stays candidate when it has stopped',
    caughtAs: 'stuck',
    laws: { leavesEntries: true },
    bounds: QUIET,
  },
  {
    name: 'forgets an entry that came back after it was handed the path',
    caughtAs: 'stuck',
    machine: rewire((_, { actions }) => {
      actions.forgetEarlierEntry = assign({ entered: null })
    }),
    bounds: { ...QUIET, changes: 2, junk: true, revokes: true },
  },
  {
    name: 'keeps what it was handed while it stopped',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => drop(stopped?.states?.leaving?.on, 'held')),
    bounds: QUIET,
  },
  {
    name: 'gives up when the one that it hands over to has left',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => drop(stopped?.states?.handingOver?.on, 'declined')),
    bounds: QUIET,
  },
  {
    name: 'waits for ever for whoever is to tell it who waits',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      drop(stopped?.states?.listing?.on, 'failed')
      drop(stopped?.states?.listing, 'after')
    }),
    bounds: QUIET,
  },
  {
    name: 'waits for ever for whoever is to tell it of a lease',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      drop(stopped?.states?.choosing, 'after')
      leaveOut(stopped?.states?.choosing?.states?.checking, 'checked', 'None of these')
    }),
    bounds: { deletes: false },
  },
  {
    name: 'chooses the latest, whatever it is told of its lease',
    caughtAs: 'overdue candidate chosen',
    machine: rewire((_, { actions }) => {
      actions.noteSuccessor = assign(
        (__, { candidates: [latest] }: { candidates: readonly Waiting[] }) => ({
          successor: latest ?? null,
          choosing: [],
        }),
      )
    }),
    bounds: { deletes: false },
  },
  {
    name: 'leaves its entry once it has deleted its record',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      const { releasing } = stopped?.states ?? {}
      transitionOf(releasing, 'deleted', 'still to go').target = 'released'
    }),
    bounds: QUIET,
  },
  {
    name: 'relies on a hand-over that had no answer',
    caughtAs: 'stuck',
    machine: rewire(({ stopped }) => {
      transitionOf(stopped?.states?.handingOver, 'failed').target = 'released'
    }),
    bounds: ALONE,
  },
  {
    name: 'counts a renewal that no read confirmed',
    caughtAs: 'two leaders',
    laws: { countsUnconfirmedRenewals: true },
    bounds: RENEWALS,
  },
  {
    name: 'counts a renewal that a read in another term confirmed',
    caughtAs: 'two leaders',
    laws: { confirmsInAnyTerm: true },
    bounds: RENEWALS,
  },
  {
    name: 'counts a renewal that a read confirmed which was sent too early',
    caughtAs: 'two leaders',
    laws: { readsTooEarly: true },
    bounds: RENEWALS,
  },
  {
    name: 'ignores the term before a renewal',
    caughtAs: 'two leaders',
    laws: { ignoresTermBefore: true },
    bounds: RENEWALS,
  },
  {
    name: 'takes another member’s term for the one before a renewal',
    caughtAs: 'two leaders',
    laws: { takesAnyTermBefore: true },
    bounds: RENEWALS,
  },
  {
    name: 'goes on following after the history was replaced',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => drop(follower?.on, 'reset')),
    bounds: { ...RESETS, nodes: 1 },
  },
  {
    name: 'goes on following when its session has ended',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => drop(follower?.states?.following?.on, 'expired')),
    bounds: RESETS_UNHEARD,
  },
  {
    name: 'goes on following once it has another session',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => {
      transitionOf(follower?.states?.reopening, 'opened').target = 'following'
    }),
    bounds: RESETS_UNHEARD,
  },
  {
    name: 'asks only once for another session',
    caughtAs: 'stuck',
    machine: rewire(({ follower }) => drop(follower?.states?.waiting, 'after')),
    bounds: RESETS,
  },
  {
    name: 'leads on under a session that does not end with the history',
    caughtAs: 'leader without the path',
    machine: rewire(({ leader }) => drop(leader?.on, 'reset')),
    laws: { keepsSessionAfterReset: true },
    bounds: RESETS,
  },
  {
    name: 'relies on a lease of a history that was replaced',
    caughtAs: 'two leaders',
    laws: { keepsSessionAfterReset: true },
    bounds: RESETS,
  },
  {
    name: 'uses an answer from before the history was replaced',
    caughtAs: 'stuck',
    laws: { usesAnswersOfBefore: true },
    bounds: RESETS,
  },
  {
    name: 'leads on after an exception',
    caughtAs: 'leader without the path',
    laws: { leadsOnAfterException: true },
    bounds: { exceptions: true },
  },
  {
    name: 'leaves its record after an exception',
    caughtAs: 'stuck',
    laws: { diesWithoutRelease: true },
    bounds: { ...QUIET, exceptions: true },
  },
  {
    name: 'leads on when it is restored as leader',
    caughtAs: 'leader without a session',
    machine: rewire((_, { machine }) => drop(machine.on, 'restored')),
    bounds: { ...QUIET, snapshots: true },
  },
  {
    name: 'waits for ever when it is restored while it waits',
    caughtAs: 'stuck',
    machine: rewire(({ campaigning }) => drop(campaigning?.states?.waiting, 'invoke')),
    bounds: { ...QUIET, snapshots: true },
  },
]

/** The parts of a statechart's configuration that mistakes are made in. */
interface StateConfig {
  on?: Record<string, TransitionConfig | TransitionConfig[]>
  after?: unknown
  invoke?: InvokeConfig | InvokeConfig[]
  states?: Record<string, StateConfig>
}

interface InvokeConfig {
  src: string
  input: (given: unknown) => ServiceInput
}

interface TransitionConfig {
  readonly description: string
  target?: string
  guard?: unknown
  actions?: unknown
}

interface MachineConfig extends StateConfig {
  states: Record<string, StateConfig>
}

/** What the shipped machine is made of. */
interface Parts {
  readonly machine: MachineConfig
  readonly actions: Record<string, unknown>
}

/** The shipped machine with a change in its chart, or in its actions; all else is the shipped one's. */
function rewire(change: (states: Record<string, StateConfig>, parts: Parts) => void): Machine {
  const machine = cloneConfig(electionMachine.config)
  if (!hasStates(machine)) throw new Error('model: the machine has no states')
  const { implementations } = electionMachine
  const actions: Record<string, unknown> = { ...implementations.actions }
  change(machine.states, { machine, actions })
  // A machine's type comes from how it was written down; that of a changed copy cannot be inferred.
  return createMachine(
    machine as never,
    { ...implementations, actions } as never,
  ) as unknown as Machine
}

function hasStates(config: unknown): config is MachineConfig {
  return typeof config === 'object' && config !== null && 'states' in config
}

/** Functions stay the same; everything around them is copied. */
function cloneConfig(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(cloneConfig)
  if (typeof config !== 'object' || config === null) return config
  return Object.fromEntries(Object.entries(config).map(([key, part]) => [key, cloneConfig(part)]))
}

/** What a state does on an event; the one that is described so, if it does one of several things. */
function transitionOf(
  state: StateConfig | undefined,
  event: string,
  description = '',
): TransitionConfig {
  const transitions = [state?.on?.[event] ?? []].flat()
  const found = transitions.filter((one) => one.description.includes(description))
  const [transition] = found
  if (transition === undefined || found.length > 1) {
    throw new Error(`model: the machine does something else on ${event} now`)
  }
  return transition
}

function leaveOut(state: StateConfig | undefined, event: string, description: string): void {
  const transition = transitionOf(state, event, description)
  const transitions = state?.on?.[event]
  if (!Array.isArray(transitions)) throw new Error(`model: ${event} has one outcome only`)
  transitions.splice(transitions.indexOf(transition), 1)
}

function drop(from: object | undefined, name: string): void {
  if (from === undefined || !Reflect.has(from, name)) {
    throw new Error(`model: there is no ${name} to leave out any more`)
  }
  Reflect.deleteProperty(from, name)
}

/** Every node of the model has the same id. */
function hasOwnId({ context, event }: { context: ElectionContext; event: ElectionEvent }): boolean {
  return 'holder' in event && event.holder.id === context.id
}
