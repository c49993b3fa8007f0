/** One node's machine and the services that run for it. */
import type { Chart, ChartEvent } from './chart.js'
import type { Laws } from './laws.js'
import {
  Call,
  type Change,
  endCall,
  hasLateClaim,
  isLeading,
  isStopped,
  isWatching,
  JUNK,
  Leaf,
  NO_LEASE,
  type NodeState,
  Seen,
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

/** Gives the machine of `node` an event, and starts and stops services as it says. */
export function tell(world: World, node: NodeState, event: ChartEvent, setting: Setting): void {
  const step = setting.chart.step(node, event)
  const behind = node.callBehind
  const answered = event.type === 'won' ? (event.token ?? 0) : 0
  // The services whose answer this was have done their work. Others are given up with their state:
  // a claim goes on to be settled by the release, a write of the value may still be carried out.
  if (
    event.type === 'won' ||
    event.type === 'held' ||
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
  node.leaf = step.leaf
  node.restart = step.restart
  node.value = step.value
  node.revision = step.revision
  node.seen = step.seen
  node.seenValue = step.seenValue
  node.seenToken = step.seenToken
  node.seenLeaving = step.seenLeaving
  if (!isWatching(node)) node.pending = 0
  if (step.watchAfter !== -1) {
    node.pending = setting.laws.watchesFromNow
      ? 0
      : behind > setting.changes
        ? 1
        : Math.max(0, behind - Math.max(0, step.watchAfter - answered))
  }
  if (step.selected !== 0) {
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
  const isRequest =
    call === Call.claim || call === Call.clean || call === Call.leave || call === Call.propose
  if (isRequest && world.late.length < setting.late) {
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

/** Sends a claim, with a new session if the node has none that is valid. */
export function sendClaim(world: World, node: NodeState, { laws }: Setting): void {
  if (node.session !== Session.valid) {
    world.lastLease += 1
    node.session = Session.valid
    node.lease = world.lastLease
    node.doubt = 0
  }
  node.call = Call.claim
  node.callLease = laws.claimsWithoutLease ? -1 : node.lease
  node.callValue = node.value
}

/**
 * The session may no longer be relied on, and the lease is renewed no more. Only a leader can fail to
 * notice: everything else reads the clock before it uses a session.
 */
export function endValidity(world: World, node: NodeState, setting: Setting): void {
  if (!isLeading(node)) {
    endSession(world, node, setting)
    return
  }
  node.session = Session.ended
  node.lease = NO_LEASE
  node.doubt = 0
}

/** Validity is over and the process knows: whoever keeps the session alive hears of it. */
export function endSession(world: World, node: NodeState, setting: Setting): void {
  node.session = Session.none
  node.lease = NO_LEASE
  // What was left under this lease goes with it.
  node.doubt = 0
  if (isWatching(node) && !setting.laws.hidesExpiry) tell(world, node, { type: 'expired' }, setting)
}

/** The deadline passes without an answer. */
export function fail(world: World, node: NodeState, setting: Setting): void {
  const { call } = node
  const wasLeave = call === Call.leave || call === Call.left
  const wasWrite = call === Call.propose || call === Call.proposed || call === Call.reignOver
  if (!wasWrite && node.session !== Session.none && !setting.laws.forgetsLostRequests)
    node.doubt = 1
  endCall(node)
  if (node.leaf === Leaf.claiming || node.leaf === Leaf.proposing) {
    tell(world, node, { type: 'failed' }, setting)
  } else if (wasLeave && node.leaf === Leaf.releasing) {
    tell(world, node, { type: 'released' }, setting)
  }
}

/**
 * An answer reaches the node. None settles a doubt: an earlier claim may have been carried out since
 * the answer was given, or may be yet. Only a look can, once nothing is on its way any more.
 */
export function answer(world: World, node: NodeState, setting: Setting): void {
  const { call, callToken, callValue, callRevision } = node
  if (setting.laws.answerSettlesDoubt && call !== Call.heldByOwn) node.doubt = 0
  switch (call) {
    case Call.won: {
      if (node.leaf !== Leaf.claiming) {
        // The node was stopped meanwhile: what it won is given back.
        const token = callToken
        endCall(node)
        node.call = Call.leave
        node.callToken = token
        return
      }
      // Between a claim and its answer no new session begins, so it is still the claim's.
      const valid = node.session === Session.valid
      tell(
        world,
        node,
        { type: 'won', seen: Seen.me, value: callValue, token: callToken, valid },
        setting,
      )
      return
    }
    case Call.heldByOwn: {
      const next = node.leaf === Leaf.claiming ? Call.clean : Call.leave
      endCall(node)
      node.call = next
      node.callToken = callToken
      return
    }
    case Call.heldByOther:
    case Call.heldByLeaving:
    case Call.heldByJunk: {
      const seen = call === Call.heldByJunk ? Seen.junk : Seen.other
      const leaving = call === Call.heldByLeaving
      if (node.leaf !== Leaf.claiming) endCall(node)
      else tell(world, node, { type: 'held', seen, token: 1, leaving }, setting)
      return
    }
    case Call.leaseGone:
      endCall(node)
      if (node.session === Session.valid && node.lease === NO_LEASE)
        endSession(world, node, setting)
      if (node.leaf === Leaf.claiming) tell(world, node, { type: 'failed' }, setting)
      return
    case Call.cleaned:
      endCall(node)
      return
    case Call.left:
      endCall(node)
      tell(world, node, { type: 'released' }, setting)
      return
    case Call.proposed:
      tell(world, node, { type: 'proposed', value: callValue, revision: callRevision }, setting)
      return
    case Call.reignOver:
      tell(world, node, { type: 'failed' }, setting)
      return
  }
}

/** A stopped node looks whether a record of its own was left, and releases it. */
export function look(world: World, index: number, node: NodeState, { laws }: Setting): void {
  if (world.keyBy === index) {
    node.call = Call.clean
    node.callToken = world.keyToken
  } else if (laws.trustsOneLook || !hasLateClaim(world, index)) {
    node.doubt = 0
  }
}

/** The release service goes on, once no request of the node is on its way. */
export function release(world: World, node: NodeState, setting: Setting): void {
  if (node.seen === Seen.me) {
    node.call = Call.leave
    node.callToken = node.seenToken
  } else {
    tell(world, node, { type: 'released' }, setting)
  }
}

/** The watch brings the oldest change it has still to bring. */
export function bringChange(world: World, index: number, node: NodeState, setting: Setting): void {
  const change = world.changes[world.changes.length - node.pending]
  if (change === undefined) throw new Error('model: a watch waits for a change that is not kept')
  node.pending -= 1
  tell(world, node, eventFor(change, index), setting)
}

function eventFor({ by, value, token, revision, leaving }: Change, index: number): ChartEvent {
  if (by === VACANT) return { type: 'vacated', revision }
  const seen = by === index ? Seen.me : by === JUNK ? Seen.junk : Seen.other
  return { type: 'changed', seen, value, token, revision, leaving }
}

/** A process that dies and comes back: everything it sent may still arrive, and it knows nothing. */
export function crash(
  world: World,
  index: number,
  node: NodeState,
  gone: number,
  setting: Setting,
): void {
  leaveRequest(world, node, setting, gone)
  world.late = world.late.map((request) =>
    request.by === index ? { ...request, by: gone } : request,
  )
  world.changes = world.changes.map((change) =>
    change.by === index ? { ...change, by: gone } : change,
  )
  if (world.keyBy === index) world.keyBy = gone
}

export function canLook(node: NodeState): boolean {
  return node.leaf === Leaf.released && node.doubt === 1 && node.call === Call.none
}
