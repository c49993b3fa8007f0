/**
 * The shipped machine as a table. Each entry is worked out once, by XState's pure `transition`, and
 * looked up from then on.
 */
import { initialTransition, type SnapshotFrom, transition } from 'xstate'
import type {
  ElectionContext,
  ElectionEvent,
  Holder,
  Json,
  Successor,
  Waiting,
} from '../../machines/election.js'
import { Answer, answerAt, countOf, NOBODY, shapeOf, waitingOf, withAnswer } from './waiting.js'
import { LEAVES, Leaf, type Machine, type NodeState, Seen } from './world.js'

/** What ends by itself. */
export type Delay = 'backoff' | 'courtesy' | 'untilListed' | 'untilChosen'

/** An event as the model has it: revisions are ranks, holders are as the machine sees them. */
export interface ChartEvent {
  readonly type: ElectionEvent['type'] | Delay
  readonly revision?: number
  readonly seen?: number
  readonly value?: number
  readonly token?: number
  readonly valid?: boolean
  /** Whether the holder has stood down. */
  readonly leaving?: boolean
  /** Whether the record was handed the path under the lease of the session that its node has. */
  readonly installed?: boolean
  /** Whether its entry came to stand there once more after that. */
  readonly reentered?: boolean
  /** With what a claim that lost has entered the node. */
  readonly entered?: number
  /** How many are told to wait. */
  readonly waiting?: number
  /** Whether nobody ever waits, as the store knows no candidates. */
  readonly isForGood?: boolean
  /** Of whom of those who wait it tells, and what. */
  readonly slot?: number
  readonly answer?: number
  /** Whether it tells of a request that had no answer. */
  readonly unanswered?: boolean
  /** Whether it comes to a node that has looked for what was left as often as it ever does. */
  readonly last?: boolean
}

export interface ChartStep {
  readonly leaf: number
  readonly restart: number
  readonly value: number
  readonly revision: number
  readonly seen: number
  readonly seenValue: number
  readonly seenToken: number
  readonly seenLeaving: number
  readonly unanswered: number
  readonly entered: number
  /** What it has been told of those who wait; of who they are it says nothing. */
  readonly waiting: number
  /** Which of those was chosen to be installed, or -1 when none was. */
  readonly chosen: number
  /** Where a newly invoked watch begins, or -1 when none was invoked. */
  readonly watchAfter: number
  /** Whether a write of the value was newly invoked, and so any earlier one is abandoned. */
  readonly proposes: boolean
  /** Whether leases were newly asked about. */
  readonly checks: boolean
  /** The token a `select` was told with, or 0. */
  readonly selected: number
}

type Snapshot = SnapshotFrom<Machine>
type StateNode = Machine['root']

const EVENT_TYPES: readonly ChartEvent['type'][] = [
  'start',
  'stop',
  'propose',
  'workFailed',
  'won',
  'held',
  'cleared',
  'failed',
  'refused',
  'changed',
  'vacated',
  'renewed',
  'expired',
  'opened',
  'retrying',
  'proposed',
  'reignOver',
  'drained',
  'listed',
  'checked',
  'deleted',
  'transfer',
  'entered',
  'handedOver',
  'declined',
  'withdrawn',
  'released',
  'settled',
  'reset',
  'restored',
  'backoff',
  'courtesy',
  'untilListed',
  'untilChosen',
]
const EVENT_NUMBER = new Map(EVENT_TYPES.map((type, index) => [type, index]))

const LEAF_NAMES: readonly (string | undefined)[] = LEAVES

/** As XState writes them. */
const LEAF_VALUES = LEAVES.map((name) => stateValueOf(name.split('.')))

type Value = string | { [state: string]: Value }

function stateValueOf([state = '', ...children]: readonly string[]): Value {
  return children.length === 0 ? state : { [state]: stateValueOf(children) }
}

/** Every node has the same id, the hardest case: only the instance tells one from the other. */
const ID = 'node'
const MINE = 'mine'
const THEIRS = 'theirs'
const JUNK_VALUE = 2

/** A lease of the node's own, and the attempts after which it has looked for long enough. */
const LEASE = 'lease'
const MANY = 1_000

/** Those who wait, the latest first. */
const SUCCESSORS: readonly Successor[] = [0, 1, 2].map((slot) => ({
  id: ID,
  instance: `${THEIRS} ${slot}`,
  text: '',
  since: 9 - slot,
  revision: 9 - slot,
  lease: 'theirs',
}))

const OVERDUE = { [Answer.inTime]: false, [Answer.overdue]: true, [Answer.silence]: null } as const

const FAILURE = { name: 'Error', message: 'model' }

/** By the state of a node, and then by the event. */
type Table = Map<number, Map<number, ChartStep>>

/** Of each machine, what XState has worked out in whatever exploration. */
const workedOut = new WeakMap<Machine, Table>()

export class Chart {
  /** What this exploration has needed. */
  readonly #steps: Table = new Map()
  readonly #known: Table
  #size = 0

  constructor(readonly machine: Machine) {
    const [initial] = initialTransition(machine, {
      path: 'path',
      id: ID,
      instance: MINE,
      value: 0,
      ttl: 10,
    })
    if (leafOf(initial) !== 0) throw new Error('model: the machine no longer starts in idle')
    this.#known = workedOut.get(machine) ?? new Map()
    workedOut.set(machine, this.#known)
  }

  /** How many different entries were needed. */
  get size(): number {
    return this.#size
  }

  /** The services that run in a state. */
  servicesIn(leaf: number): readonly string[] {
    const path = (LEAF_NAMES[leaf] ?? '').split('.')
    let state: StateNode = this.machine.root
    const services: string[] = []
    for (const name of path) {
      const child = state.states[name]
      if (child === undefined) throw new Error(`model: the machine has no state ${path.join('.')}`)
      state = child
      services.push(...state.invoke.map(({ src }) => String(src)))
    }
    return services
  }

  /** What `event` makes of `node`. */
  step(node: NodeState, event: ChartEvent): ChartStep {
    const state = keyOfState(node)
    let steps = this.#steps.get(state)
    if (steps === undefined) {
      steps = new Map()
      this.#steps.set(state, steps)
    }
    const key = keyOfEvent(event)
    let step = steps.get(key)
    if (step === undefined) {
      step = this.#lookUp(state, key, node, event)
      steps.set(key, step)
      this.#size += 1
    }
    return step
  }

  #lookUp(state: number, key: number, node: NodeState, event: ChartEvent): ChartStep {
    const known = this.#known.get(state) ?? new Map<number, ChartStep>()
    this.#known.set(state, known)
    const found = known.get(key)
    if (found !== undefined) return found
    const step = this.#workOut(node, event, event.last === true ? MANY : 0)
    this.#assertNothingElseMatters(node, event, step)
    known.set(key, step)
    return step
  }

  #workOut(node: NodeState, event: ChartEvent, attempt: number): ChartStep {
    const before = this.machine.resolveState({
      value: LEAF_VALUES[node.leaf] ?? 'idle',
      context: contextOf(node, attempt, event),
    })
    // XState's own type for the event that a delay raises is not part of the machine's events.
    const [after, actions] = transition(
      this.machine,
      before,
      electionEventOf(event, node.leaf) as ElectionEvent,
    )
    let watchAfter = -1
    let proposes = false
    let checks = false
    let selected = 0
    for (const action of actions) {
      const type: string = action.type
      const params: unknown = 'params' in action ? action.params : undefined
      if (typeof params !== 'object' || params === null) continue
      if (type === 'xstate.spawnChild' && 'id' in params) {
        if (params.id === 'watch' && 'input' in params)
          watchAfter = numberIn(params.input, 'revision')
        if (params.id === 'propose') proposes = true
        if (params.id === 'checkRenewals') checks = true
      }
      if (type === 'xstate.emit' && 'event' in params && isSelect(params.event)) {
        selected = numberIn(params.event, 'token')
      }
    }
    const leaf = leafOf(after)
    const chosen = leaf === Leaf.handingOver && leaf !== node.leaf ? chosenIn(after.context) : -1
    const context = relevantContext(after.context, leaf)
    return { leaf, ...context, chosen, watchAfter, proposes, checks, selected }
  }

  /**
   * What the model leaves out of a node must not matter to the machine. Should a later machine
   * decide by it, the model must not go on as if it did not.
   */
  #assertNothingElseMatters(node: NodeState, event: ChartEvent, step: ChartStep): void {
    const others = [{ ...node }, { ...node }]
    const [low, high] = others
    if (low === undefined || high === undefined) return
    if (!keepsRevision(node.leaf)) high.revision = 60
    if (!keepsHolder(node.leaf) && node.seen === Seen.nobody) {
      high.seen = Seen.other
      high.seenToken = 50
      low.seen = node.seenLeaving === 1 ? Seen.other : Seen.junk
      low.seenToken = 1
    }
    if (!keepsLeaving(node.leaf)) high.seenLeaving = 1
    const attempts = event.last === true ? MANY : 0
    // How often a hand-over was declined is left out on purpose: it may be given up at any time.
    const more = event.type === 'declined' ? 1 : 4
    for (const [index, other] of others.entries()) {
      // That is what `step` was worked out from.
      if (other === low && low.seen === node.seen && low.seenToken === node.seenToken) continue
      const same = this.#workOut(other, event, attempts + index * more)
      if (JSON.stringify(same) !== JSON.stringify(step)) {
        throw new Error(
          `model: in ${LEAVES[node.leaf]}, ${event.type} now depends on a part of the context that the model leaves out: ${JSON.stringify({ other, same, step })}`,
        )
      }
    }
  }
}

/** Only what is watched is compared with the revision; the next claim brings a newer one. */
function keepsRevision(leaf: number): boolean {
  return leaf >= Leaf.holding && leaf <= Leaf.waitingToReopen
}

function keepsValue(leaf: number): boolean {
  return leaf >= Leaf.holding && leaf <= Leaf.rewaiting
}

/** Elsewhere only a record of one's own matters, because it is to be released. */
function keepsHolder(leaf: number): boolean {
  return keepsValue(leaf) || leaf === Leaf.clearing || leaf === Leaf.clearingUp
}

/** Only a follower asks whether the holder has stood down. */
function keepsLeaving(leaf: number): boolean {
  return leaf >= Leaf.following && leaf <= Leaf.waitingToReopen
}

function relevantContext(context: ElectionContext, leaf: number) {
  const { holder } = context
  const seen = seenIn(holder)
  const keeps = holder !== null && (keepsHolder(leaf) || (!keepsLeaving(leaf) && seen === Seen.me))
  return {
    restart: context.restart ? 1 : 0,
    value: Number(context.value),
    revision: keepsRevision(leaf) ? context.revision : 0,
    seen: keeps ? seen : Seen.nobody,
    seenValue: keeps && keepsValue(leaf) ? Number(holder.value) : 0,
    seenToken: keeps ? holder.token : 0,
    seenLeaving: keepsLeaving(leaf) && holder?.released ? 1 : 0,
    unanswered: context.unanswered === null ? 0 : 1,
    entered: isEntered(context, leaf) ? 1 : 0,
    waiting: waitingIn(context),
  }
}

/** A follower enters anew where it has not with what it has now; the others only have to leave. */
function isEntered({ entered, leases, value }: ElectionContext, leaf: number): boolean {
  if (entered === null) return false
  const isCandidate = leaf >= Leaf.following && leaf <= Leaf.pausing
  return !isCandidate || (entered.lease === leases[0] && entered.value === value)
}

function waitingIn({ choosing }: ElectionContext): number {
  return choosing.reduce(
    (waiting, { isOverdue }, slot) => withAnswer(waiting, slot, answerOf(isOverdue)),
    waitingOf(choosing.map(() => 0)),
  )
}

function answerOf(isOverdue: boolean | null | undefined): number {
  if (isOverdue === undefined) return Answer.none
  if (isOverdue === null) return Answer.silence
  return isOverdue ? Answer.overdue : Answer.inTime
}

function chosenIn({ successor }: ElectionContext): number {
  return SUCCESSORS.findIndex(({ instance }) => instance === successor?.instance)
}

function waitingFor({ leaf, waiting }: NodeState): readonly Waiting[] {
  if (leaf !== Leaf.checking) return []
  return SUCCESSORS.slice(0, countOf(waiting)).map((one, slot) => {
    const answer = answerAt(waiting, slot)
    return answer === Answer.inTime || answer === Answer.overdue || answer === Answer.silence
      ? { ...one, isOverdue: OVERDUE[answer] }
      : one
  })
}

function seenIn(holder: Holder | null): number {
  if (holder === null) return Seen.nobody
  if (holder.instance === null) return Seen.junk
  return holder.instance === MINE ? Seen.me : Seen.other
}

function holderOf(seen: number, value: Json, token: number, leaving: boolean): Holder | null {
  switch (seen) {
    case Seen.nobody:
      return null
    case Seen.junk:
      return { id: null, value: JUNK_VALUE, instance: null, token, session: null }
    default:
      // A record's lease is the one it was installed with, so the token stands for it.
      return {
        id: ID,
        value,
        instance: seen === Seen.me ? MINE : THEIRS,
        token,
        session: `lease ${token}`,
        ...(leaving && { released: true }),
      }
  }
}

function contextOf(node: NodeState, attempt: number, event: ChartEvent): ElectionContext {
  const leaving = node.seenLeaving === 1
  // Of another node a follower remembers nothing but that it has stood down.
  const seen = leaving && node.seen === Seen.nobody ? Seen.other : node.seen
  return {
    path: 'path',
    id: ID,
    instance: MINE,
    value: node.value,
    ttl: 10,
    holder: holderOf(seen, node.seenValue, node.seenToken, leaving),
    revision: node.revision,
    attempt,
    isSole: false,
    leases: [LEASE],
    unanswered: node.unanswered === 1 ? LEASE : null,
    restart: node.restart === 1,
    entered:
      node.entered === 1
        ? { value: node.value, lease: LEASE, revision: event.reentered ? MANY : 0 }
        : null,
    to: null,
    successor: node.leaf === Leaf.handingOver ? (SUCCESSORS[0] ?? null) : null,
    choosing: waitingFor(node),
  }
}

function electionEventOf(event: ChartEvent, leaf: number): ElectionEvent | { type: string } {
  const { type, revision = 0, value = 0, token = 0, valid = false, leaving = false } = event
  const holder = holderOf(event.seen ?? Seen.nobody, value, token, leaving)
  switch (type) {
    case 'backoff':
    case 'courtesy':
    case 'untilListed':
      return { type: `xstate.after.${type}.election.${LEAVES[leaf]}` }
    case 'untilChosen':
      return { type: 'xstate.after.untilChosen.election.stopped.choosing' }
    case 'propose':
      return { type, value }
    case 'proposed':
      return { type, value, revision }
    case 'won':
      if (holder === null) throw new Error('model: a won claim has a holder')
      return { type, holder, validityMs: valid ? 1_000 : 0 }
    case 'held':
      if (holder === null) throw new Error('model: held has a holder')
      // A record that is known for one's own stands under the lease of the request or of one before.
      return {
        type,
        holder: holder.instance === MINE ? { ...holder, session: LEASE } : holder,
        revision,
        lease: LEASE,
        ...(event.entered !== undefined && { entered: { value: event.entered } }),
      }
    case 'changed':
      if (holder === null) throw new Error(`model: ${type} has a holder`)
      return {
        type,
        holder: event.installed ? { ...holder, session: LEASE, created: 1 } : holder,
        revision,
      }
    case 'entered':
      return { type, value, lease: LEASE, revision }
    case 'transfer':
      return { type, to: null }
    case 'drained': {
      const known = toldOf(event)
      if (event.isForGood) return { type, waiting: [] }
      return known.length === 0 ? { type, waiting: null } : { type, waiting: known, knownUpTo: 9 }
    }
    case 'listed':
      return { type, waiting: toldOf(event) }
    case 'checked': {
      const { answer } = event
      const isOverdue = answer === Answer.silence ? null : answer === Answer.overdue
      return { type, instance: SUCCESSORS[event.slot ?? 0]?.instance ?? '', isOverdue }
    }
    case 'vacated':
      return { type, revision }
    case 'failed':
      return { type, error: FAILURE, ...(event.unanswered && { lease: LEASE }) }
    case 'deleted':
    case 'released':
      return { type, ...(event.unanswered && { lease: LEASE }) }
    case 'refused':
    case 'workFailed':
      return { type, error: FAILURE }
    default:
      return { type }
  }
}

function leafOf({ value }: Snapshot): number {
  const name = nameOf(value)
  const leaf = LEAF_NAMES.indexOf(name)
  if (leaf === -1)
    throw new Error(`model: the machine has a state the model does not know: ${name}`)
  return leaf
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value
  const [[state, child] = []] = Object.entries(Object(value))
  return `${state}.${nameOf(child)}`
}

/** In the order in which they came. */
function toldOf({ waiting = 0 }: ChartEvent): readonly Successor[] {
  return SUCCESSORS.slice(0, waiting).toReversed()
}

function isSelect(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'type' in event && event.type === 'select'
}

function numberIn(of: unknown, name: string): number {
  const found: unknown =
    typeof of === 'object' && of !== null
      ? Object.entries(of).find(([key]) => key === name)?.[1]
      : 0
  return Number(found)
}

/** Everything of a node that `#workOut` reads, packed into one number; revisions stay below 64. */
function keyOfState(node: NodeState): number {
  return (
    (((((((((node.leaf * 2 + node.restart) * 4 + node.value) * 64 + node.revision) * 4 +
      node.seen) *
      4 +
      node.seenValue) *
      64 +
      node.seenToken) *
      2 +
      node.seenLeaving) *
      2 +
      node.unanswered) *
      2 +
      node.entered) *
      0x8000 +
    (node.leaf === Leaf.checking ? shapeOf(node.waiting) : NOBODY)
  )
}

/** The same of an event. */
function keyOfEvent(event: ChartEvent): number {
  const happened =
    (((((EVENT_NUMBER.get(event.type) ?? 0) * 64 + (event.revision ?? 0)) * 4 + (event.seen ?? 0)) *
      4 +
      (event.value ?? 0)) *
      64 +
      (event.token ?? 0)) *
      4 +
    (event.entered ?? 3)
  const told = ((event.waiting ?? 0) * 4 + (event.slot ?? 0)) * 4 + (event.answer ?? 0)
  const flags =
    (event.valid ? 1 : 0) |
    (event.leaving ? 2 : 0) |
    (event.unanswered ? 4 : 0) |
    (event.last ? 8 : 0) |
    (event.installed ? 16 : 0) |
    (event.reentered ? 32 : 0) |
    (event.isForGood ? 64 : 0)
  return (happened * 64 + told) * 128 + flags
}
