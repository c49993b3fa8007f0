/** A node's machine is told something: what becomes of the node, of its services and of its requests. */
import type { Chart, ChartEvent } from './chart.js'
import type { Laws } from './faults.js'
import {
  Call,
  endCall,
  Inert,
  isRequest,
  isStopped,
  isWatching,
  Leaf,
  NO_LEASE,
  type NodeState,
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

/** Gives the machine of `node` an event, and starts and stops services as it says. */
export function tell(world: World, node: NodeState, event: ChartEvent, setting: Setting): void {
  if (node.inert === Inert.actor) return
  const step = setting.chart.step(node, event)
  const behind = node.callBehind
  const answered = event.type === 'won' ? (event.token ?? 0) : 0
  // The services whose answer this was have done their work. Others are given up with their state:
  // a claim goes on to be settled by the release, a write of the value may still be carried out.
  if (
    event.type === 'won' ||
    event.type === 'held' ||
    event.type === 'cleared' ||
    event.type === 'failed' ||
    event.type === 'proposed'
  ) {
    endCall(node)
  }
  if (node.call === Call.propose && (step.leaf !== Leaf.proposing || step.proposes)) {
    leaveRequest(world, node, setting)
  }
  if (node.call === Call.proposed || node.call === Call.reignOver) {
    if (step.leaf !== Leaf.proposing || step.proposes) endCall(node)
  }
  if (setting.laws.startForgetsDoubt && isStopped(node) && step.leaf === Leaf.claiming) {
    node.doubt = 0
  }
  if (node.leaf !== step.leaf) node.inert = Inert.nothing
  node.leaf = step.leaf
  node.restart = step.restart
  node.value = step.value
  node.revision = step.revision
  node.seen = step.seen
  node.seenValue = step.seenValue
  node.seenToken = step.seenToken
  node.seenLeaving = step.seenLeaving
  if (!isWatching(node)) node.pending = 0
  if (step.watchAfter !== -1 && node.outdated === 0) {
    node.pending = setting.laws.watchesFromNow
      ? 0
      : behind > setting.changes
        ? 1
        : Math.max(0, behind - Math.max(0, step.watchAfter - answered))
  }
  // Tokens are compared within one history.
  if (step.selected !== 0 && node.outdated === 0) {
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
