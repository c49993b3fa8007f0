/** One node's machine and the services that run for it. */
import type { ChartEvent } from './chart.js'
import { hearReset } from './reset.js'
import { type Setting, tell } from './tell.js'
import {
  Call,
  type Change,
  dropSession,
  endCall,
  hasLateClaim,
  isLeading,
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

/** Sends a claim, with a new session if the node has none that is valid. */
export function sendClaim(world: World, node: NodeState, { laws }: Setting): void {
  if (node.session !== Session.valid) {
    world.lastLease += 1
    dropSession(node, Session.valid)
    node.lease = world.lastLease
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
  dropSession(node, Session.ended)
}

/** Validity is over and the process knows: whoever keeps the session alive hears of it. */
export function endSession(world: World, node: NodeState, setting: Setting): void {
  dropSession(node)
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
  if (node.leaf === Leaf.claiming || node.leaf === Leaf.clearing || node.leaf === Leaf.proposing) {
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
    case Call.heldByOwn:
      if (node.leaf === Leaf.claiming) {
        tell(world, node, { type: 'held', seen: Seen.me, token: callToken }, setting)
      } else {
        endCall(node)
        node.call = Call.leave
        node.callToken = callToken
      }
      return
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
      if (node.leaf === Leaf.clearing) tell(world, node, { type: 'cleared' }, setting)
      else endCall(node)
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
    case Call.ofOtherHistory:
      hearReset(world, node, setting)
      return
  }
}

/** A stopped node looks whether a record of its own was left, and releases it. */
export function look(world: World, index: number, node: NodeState, setting: Setting): void {
  const { laws } = setting
  if (node.outdated === 1) {
    hearReset(world, node, setting)
  } else if (world.keyBy === index && world.keyLease === node.lease) {
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

export function canLook(node: NodeState): boolean {
  return node.leaf === Leaf.released && node.doubt === 1 && node.call === Call.none
}
