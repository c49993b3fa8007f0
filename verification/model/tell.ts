/** A node's machine is told something: what becomes of the node, of its services and of its requests. */
import type { Chart, ChartEvent, ChartStep } from './chart.js'
import type { Laws } from './faults.js'
import { countOf, NOBODY, renumbered, waitingAt } from './waiting.js'
import {
  Call,
  endCall,
  entryOf,
  Inert,
  isClaim,
  isQuestion,
  isReign,
  isRequest,
  isWatching,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
  openSession,
  Session,
  VACANT,
  type World,
} from './world.js'

export interface Setting {
  readonly chart: Chart
  readonly laws: Laws
  /** How many changes a watch may lag behind. */
  readonly changes: number
  /** How many requests may be late at a time. */
  readonly late: number
  /** Whether those by which a node enters as candidate, or leaves, are among them. */
  readonly lateEntries: boolean
  /** Whether the store has candidates; without them there is nothing to do for a node that is to enter. */
  readonly hasCandidates: boolean
  /** Whether claims are shared by nodes of one process, so that a node may be entered by none. */
  readonly sharesClaims: boolean
  /**
   * Whether an answer that says nothing of a session is heard as soon as it is given, or never: it is
   * all the same when, as long as actors neither end nor are restored, and histories are not replaced.
   */
  readonly answersAtOnce: boolean
  /**
   * Whether users of nodes that leave change their minds just before that is asked for: it is all the
   * same when, as long as actors are not restored.
   */
  readonly asksLast: boolean
}

/**
 * Gives the machine of `node` an event, and starts and stops services as it says. A watch that begins
 * with it has `behind` changes to bring that came after what the event tells.
 */
export function tell(
  world: World,
  node: NodeState,
  event: ChartEvent,
  setting: Setting,
  behind = 0,
): void {
  if (node.inert === Inert.actor) return
  const step = setting.chart.step(node, event)
  const told = event.type === 'won' ? event.token : event.installed ? event.revision : 0
  const answered = told ?? 0
  // A service is given up with its state, and its request may still be carried out. Only a claim goes
  // on when the state is left for the one that waits for it.
  const isKept =
    step.leaf === node.leaf
      ? !step.proposes
      : node.leaf === Leaf.claiming && step.leaf === Leaf.withdrawing && isClaim(node.call)
  if (node.call !== Call.none && !isKept) leaveRequest(world, node, setting)
  const hasMoved = node.leaf !== step.leaf
  if (hasMoved) node.inert = Inert.nothing
  node.leaf = step.leaf
  node.restart = step.restart
  node.value = step.value
  node.revision = step.revision
  node.seen = step.seen
  node.seenValue = step.seenValue
  node.seenToken = step.seenToken
  node.seenLeaving = step.seenLeaving
  node.unanswered = node.session === Session.none ? 0 : step.unanswered
  node.entered = node.session === Session.none ? 0 : step.entered
  if (hasMoved || node.leaf === Leaf.checking) ask(world, node, step, event)
  if (!isWatching(node)) node.pending = 0
  if (step.watchAfter !== -1 && node.outdated === Outdated.no) {
    node.pending = setting.laws.watchesFromNow
      ? 0
      : behind > setting.changes
        ? 1
        : Math.max(0, behind - Math.max(0, step.watchAfter - answered))
  }
  if (node.leaf === Leaf.enqueueing && node.call === Call.none && setting.hasCandidates) {
    // One that nothing was done with was left out: see the rules by which worlds are made equal.
    if (node.session === Session.none) openSession(world, node)
    node.call = Call.enqueue
    node.callLease = node.lease
    node.callValue = node.value
  }
  // Tokens are compared within one history.
  if (step.selected !== 0 && node.outdated === Outdated.no) {
    if (step.selected <= world.elected && !world.robbed.includes(step.selected)) {
      world.broken = 'token not higher'
    }
    world.elected = Math.max(world.elected, step.selected)
  }
  if (node.leaf === Leaf.enqueueing && !setting.hasCandidates) {
    tell(world, node, { type: 'entered', value: node.value }, setting)
  }
}

/** What a leader that stops asks for in the state that it is in now, by who waits as it has been told. */
function ask(
  world: World,
  node: NodeState,
  { leaf, waiting, chosen, checks }: ChartStep,
  event: ChartEvent,
): void {
  const told = node.waiting
  node.waiting = NOBODY
  if (leaf === Leaf.listing) node.call = Call.list
  if (leaf === Leaf.checking) {
    if (checks) node.call = Call.check
    // Whoever is asked about first is asked about alone.
    else if (event.slot === 0) node.call = Call.none
    let slot = 0
    node.waiting = renumbered(waiting, () => {
      slot += 1
      return waitingAt(told, slot - 1)
    })
  }
  if (leaf === Leaf.handingOver && chosen !== -1) {
    if (chosen >= countOf(told)) throw new Error('model: one was chosen who does not wait')
    const to = waitingAt(told, chosen)
    node.call = Call.handOver
    node.callToken = node.seenToken
    node.callTo = to
    node.callLease = entryOf(world, to)
    node.callValue = world.nodes[to]?.entryValue ?? 0
  }
}

/** Whether a request of a reign has an effect by its lease, because a law is not the true one. */
export function matchesLease(call: number, laws: Laws): boolean {
  switch (call) {
    case Call.leave:
      return laws.releasesByLeaseAlone
    case Call.clean:
      return laws.clearsByLeaseAlone
    case Call.propose:
      return laws.proposesOverOthers || laws.proposesWithoutReign
    case Call.guard:
      return laws.guardsWithoutReign
    default:
      return false
  }
}

/** Whether a request that is given up now is among those that are followed. */
export function canBeLate(world: World, call: number, setting: Setting): boolean {
  if (!isRequest(call) || isQuestion(call) || world.late.length >= setting.late) return false
  return setting.lateEntries || (call !== Call.enqueue && call !== Call.withdraw)
}

/** The node's request is awaited no more. It may still be carried out, if it is among the few that are followed. */
export function leaveRequest(
  world: World,
  node: NodeState,
  setting: Setting,
  by = world.nodes.indexOf(node),
): void {
  const { call } = node
  if (canBeLate(world, call, setting)) {
    const enters = call === Call.claim || call === Call.enqueue
    const isHandOver = call === Call.handOver
    const isOfReign = !enters && call !== Call.withdraw
    const request = {
      kind: call,
      by: isHandOver ? node.callTo : isOfReign && call !== Call.propose ? VACANT : by,
      lease:
        enters || isHandOver
          ? node.callLease
          : matchesLease(call, setting.laws)
            ? node.lease
            : NO_LEASE,
      value: node.callValue,
      token: isOfReign ? node.callToken : 0,
      isSameKey: call === Call.propose && isReign(world, node.callToken),
    }
    world.late = [...world.late, request]
  }
  endCall(node)
}
