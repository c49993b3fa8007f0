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
  isFollower,
  isLeading,
  isWatching,
  JUNK,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
  Seen,
  Session,
  VACANT,
  type World,
} from './world.js'

function openSession(world: World, node: NodeState): void {
  world.lastLease += 1
  dropSession(node, Session.valid)
  node.lease = world.lastLease
}

/** Sends a claim, with a new session if the node has none that is valid. */
export function sendClaim(world: World, node: NodeState, { laws }: Setting): void {
  if (node.session !== Session.valid) openSession(world, node)
  node.call = Call.claim
  node.callLease = laws.claimsWithoutLease ? -1 : node.lease
  node.callValue = node.value
}

/** A follower opens a session in place of the one that ended. */
export function reopen(world: World, node: NodeState, setting: Setting): void {
  openSession(world, node)
  tell(world, node, { type: 'opened' }, setting)
}

/** Whether the session of `node` can end. A follower has one, even where it is not told from a fresh one. */
export function canEndSession({ session, leaf }: NodeState): boolean {
  return session === Session.valid || (session === Session.none && leaf === Leaf.following)
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
  if (isWatching(node)) tell(world, node, { type: 'expired' }, setting)
  if (isFollower(node) && node.outdated === Outdated.hears) node.outdated = Outdated.silent
}

/** The deadline passes without an answer. */
export function fail(world: World, node: NodeState, setting: Setting): void {
  const isLeave = node.call === Call.leave || node.call === Call.left
  // A write of the value is repeated until it has an answer, or its reign is over.
  const unanswered = node.leaf !== Leaf.proposing
  endCall(node)
  tell(world, node, { type: isLeave ? 'released' : 'failed', unanswered }, setting)
}

/** An answer reaches the node. */
export function answer(world: World, node: NodeState, setting: Setting): void {
  const { call, callToken: token, callValue: value, callRevision: revision, callBehind } = node
  endCall(node)
  const hears = (event: ChartEvent) => tell(world, node, event, setting, callBehind)
  switch (call) {
    case Call.won: {
      // Between a claim and its answer no new session begins, so it is still the claim's.
      const valid = node.session === Session.valid
      hears({ type: 'won', seen: Seen.me, value, token, valid })
      return
    }
    case Call.heldByOwn:
      hears({ type: 'held', seen: Seen.me, token })
      return
    case Call.heldByOther:
    case Call.heldByLeaving:
    case Call.heldByJunk: {
      const seen = call === Call.heldByJunk ? Seen.junk : Seen.other
      hears({ type: 'held', seen, token, leaving: call === Call.heldByLeaving })
      return
    }
    case Call.leaseGone:
      if (node.session === Session.valid && node.lease === NO_LEASE)
        endSession(world, node, setting)
      hears({ type: 'failed' })
      return
    case Call.cleaned:
      hears({ type: 'cleared' })
      return
    case Call.left:
      hears({ type: 'released' })
      return
    case Call.proposed:
      hears({ type: 'proposed', value, revision })
      return
    case Call.reignOver:
      hears({ type: 'reignOver' })
      return
    case Call.ofOtherHistory:
      node.call = call
      hearReset(world, node, setting)
      return
  }
}

/** A node that has stopped can look for what a request without an answer may have left. */
export function canLook(node: NodeState): boolean {
  return node.leaf === Leaf.settling && node.session === Session.valid
}

/**
 * It looks. A request that was given up is not on its way for ever: the last look comes when none is.
 * A look that fails is none, however many do.
 */
export function look(
  world: World,
  index: number,
  node: NodeState,
  setting: Setting,
  isForgotten = false,
): void {
  const { keyBy, keyToken: token } = world
  const last = !hasLateClaim(world, index)
  if (node.outdated !== Outdated.no) {
    hearReset(world, node, setting)
  } else if (keyBy === VACANT) {
    tell(world, node, { type: 'vacated', last }, setting)
  } else {
    const isOwn = keyBy === index && !isForgotten
    const seen = isOwn ? Seen.me : keyBy === JUNK ? Seen.junk : Seen.other
    tell(world, node, { type: 'held', seen, token, last }, setting)
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
