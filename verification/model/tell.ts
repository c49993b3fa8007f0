/** A node's machine is told something: what becomes of the node, of its services and of its requests. */
import type { Chart, ChartEvent } from './chart.js'
import type { Laws } from './faults.js'
import {
  Call,
  endCall,
  Inert,
  isClaim,
  isRequest,
  isWatching,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
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
  const answered = event.type === 'won' ? (event.token ?? 0) : 0
  // A service is given up with its state, and its request may still be carried out. Only a claim goes
  // on when the state is left for the one that waits for it.
  const isKept =
    step.leaf === node.leaf
      ? !step.proposes
      : node.leaf === Leaf.claiming && step.leaf === Leaf.withdrawing && isClaim(node.call)
  if (node.call !== Call.none && !isKept) leaveRequest(world, node, setting)
  if (node.leaf !== step.leaf) node.inert = Inert.nothing
  node.leaf = step.leaf
  node.restart = step.restart
  node.value = step.value
  node.revision = step.revision
  node.seen = step.seen
  node.seenValue = step.seenValue
  node.seenToken = step.seenToken
  node.seenLeaving = step.seenLeaving
  node.unanswered = node.session === Session.none ? 0 : step.unanswered
  if (!isWatching(node)) node.pending = 0
  if (step.watchAfter !== -1 && node.outdated === Outdated.no) {
    node.pending = setting.laws.watchesFromNow
      ? 0
      : behind > setting.changes
        ? 1
        : Math.max(0, behind - Math.max(0, step.watchAfter - answered))
  }
  // Tokens are compared within one history.
  if (step.selected !== 0 && node.outdated === Outdated.no) {
    if (step.selected <= world.elected && !world.robbed.includes(step.selected)) {
      world.broken = 'token not higher'
    }
    world.elected = Math.max(world.elected, step.selected)
  }
}

/** The node's request is awaited no more. It may still be carried out, if it is among the few that are followed. */
export function leaveRequest(
  world: World,
  node: NodeState,
  setting: Setting,
  by = world.nodes.indexOf(node),
): void {
  const { call } = node
  if (isRequest(call) && world.late.length < setting.late) {
    const isClaim = call === Call.claim
    world.late.push({
      kind: call,
      by: isClaim ? by : VACANT,
      lease: isClaim ? node.callLease : NO_LEASE,
      value: node.callValue,
      token: isClaim ? 0 : node.callToken,
    })
  }
  endCall(node)
}
