import { initialTransition, type SnapshotFrom, setup, transition } from 'xstate'
import { createTestModel } from 'xstate/graph'
import {
  type ElectionContext,
  type ElectionEvent,
  electionMachine,
  type Holder,
} from '../../machines/election.js'
import type { LockedNode } from '../node.js'

/** What can happen to a node, as an app sees it. */
export type ElectionTestEvent =
  /** The app starts the node, which cannot reach the store yet. */
  | { readonly type: 'start' }
  /** The app stops the node. */
  | { readonly type: 'stop' }
  /** Nobody else holds the path any more, and the node can reach the store. */
  | { readonly type: 'elected' }
  /** Another node holds the path, and this one gets to know it. */
  | { readonly type: 'overtaken' }
  /** The leader cannot reach the store until its session is no longer valid. */
  | { readonly type: 'lost' }
  /** What the app gave to `lead` throws. */
  | { readonly type: 'failed' }

type NodeState = LockedNode['state']
type Snapshot = SnapshotFrom<typeof electionMachine>
type Cause =
  | 'start'
  | 'stop'
  | 'won'
  | 'held'
  | 'vacated'
  | 'expired'
  | 'workFailed'
  | 'drained'
  | 'released'
  | 'courtesy'

/** What the statechart is told meanwhile; of several ways the first that the state allows. */
const WAYS: Readonly<Record<ElectionTestEvent['type'], readonly (readonly Cause[])[]>> = {
  start: [['start']],
  stop: [['stop', 'drained', 'released'], ['stop']],
  elected: [['won'], ['vacated', 'courtesy', 'won']],
  overtaken: [['held'], ['vacated', 'held']],
  lost: [['expired']],
  failed: [['workFailed', 'drained', 'released']],
}

const NODE_STATES: readonly NodeState[] = ['idle', 'campaigning', 'leader', 'follower', 'stopped']

type Targets = Partial<Record<ElectionTestEvent['type'], NodeState>>

/** The config of a machine whose states are those of `node.state`. */
export type ElectionTestConfig = {
  readonly id: 'node'
  readonly initial: 'idle'
  readonly states: Readonly<Record<NodeState, { readonly on: Targets }>>
}

/**
 * One node as an app sees it, as the config of a machine (XState's `createMachine`, or `@xstate/test`'s
 * `createTestMachine`): its states are those of `node.state`, and its events are to be brought about by
 * the app's test, most of them with a MemoryCluster. Which event leads where is worked out from the
 * statechart that ships. What the app does in a state can be added as states within it.
 */
export function electionTestConfig(): ElectionTestConfig {
  const targets = exploreStates()
  const state = (name: NodeState) => ({ on: targets.get(name) ?? {} })
  return {
    id: 'node',
    initial: 'idle',
    states: {
      idle: state('idle'),
      campaigning: state('campaigning'),
      leader: state('leader'),
      follower: state('follower'),
      stopped: state('stopped'),
    },
  }
}

/**
 * The test model that XState itself makes of `electionTestConfig`.
 *
 * `electionTestModel().getShortestPaths()` are paths that together take every transition, each with
 * a `test({ events, states })` that runs it.
 */
export function electionTestModel() {
  const machine = setup({
    types: { events: {} as ElectionTestEvent },
  }).createMachine(electionTestConfig())
  return createTestModel(machine)
}

function exploreStates(): ReadonlyMap<NodeState, Targets> {
  const [initial] = initialTransition(electionMachine, {
    path: 'path',
    id: 'node',
    instance: 'node',
    value: null,
    ttl: 10,
  })
  const targets = new Map<NodeState, Targets>()
  const reached = [initial]
  for (const snapshot of reached) {
    const name = nodeStateOf(snapshot)
    if (targets.has(name)) continue
    const found: Targets = {}
    targets.set(name, found)
    for (const type of ['start', 'stop', 'elected', 'overtaken', 'lost', 'failed'] as const) {
      const after = firstOf(WAYS[type].map((way) => go(snapshot, way)))
      if (after === null) continue
      found[type] = nodeStateOf(after)
      reached.push(after)
    }
  }
  return targets
}

/** Where these lead, one after the other; `null` if the statechart does not heed one of them. */
function go(snapshot: Snapshot, way: readonly Cause[]): Snapshot | null {
  let current = snapshot
  for (const cause of way) {
    const event = eventOf(cause, current)
    if (!current.can(event)) return null
    ;[current] = transition(electionMachine, current, event)
  }
  return current
}

function eventOf(cause: Cause, { context, value }: Snapshot): ElectionEvent {
  const revision = context.revision + 1
  switch (cause) {
    case 'won':
      return { type: cause, holder: holderOf(context, context.instance), validityMs: 1 }
    case 'held':
      return { type: cause, holder: holderOf(context, 'another'), revision, lease: 'lease' }
    case 'vacated':
      return { type: cause, revision }
    case 'workFailed':
      return { type: cause, error: { name: 'Error', message: cause } }
    case 'courtesy': {
      const state = typeof value === 'string' ? value : Object.entries(value).flat().join('.')
      // The event of a delay, which the machine's types do not name.
      return { type: `xstate.after.courtesy.election.${state}` } as unknown as ElectionEvent
    }
    case 'drained':
      return { type: cause, waiting: [] }
    default:
      return { type: cause }
  }
}

function holderOf({ revision, value }: ElectionContext, instance: string): Holder {
  return { id: instance, value, instance, token: revision + 1, session: instance }
}

function nodeStateOf({ value }: Snapshot): NodeState {
  const [name] = typeof value === 'string' ? [value] : Object.keys(value)
  const known = NODE_STATES.find((state) => state === name)
  if (known === undefined) throw new Error(`electionTestModel: no node is in state ${name}`)
  return known
}

function firstOf<T>(found: readonly (T | null)[]): T | null {
  return found.find((one) => one !== null) ?? null
}
