/** One node's machine and the services that run for it. */
import type { ChartEvent } from './chart.js'
import { hearReset } from './reset.js'
import { matchesLease, type Setting, tell } from './tell.js'
import { Answer, countOf, placeOf, waitingOf, withAnswer } from './waiting.js'
import {
  Call,
  type Change,
  dropSession,
  endCall,
  entryOf,
  GONE,
  hasLateClaim,
  isCandidate,
  isClearing,
  isFollower,
  isLeading,
  isReign,
  isWatching,
  JUNK,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
  openSession,
  REVOKED,
  Seen,
  Session,
  VACANT,
  type World,
} from './world.js'

/** Whether it is the node's turn to ask the store for something. */
export function mustSend(node: NodeState): boolean {
  const { leaf } = node
  const isAsking = leaf === Leaf.claiming || leaf === Leaf.proposing || isDeleting(leaf)
  return node.call === Call.none && (isAsking || isClearing(node))
}

function isDeleting(leaf: number): boolean {
  return leaf === Leaf.releasing || leaf === Leaf.leaving
}

/** Asks for what its state says; a claim with a new session if the node has none that is valid. */
export function send(world: World, node: NodeState, { laws }: Setting): void {
  switch (node.leaf) {
    case Leaf.claiming:
      if (node.session !== Session.valid) openSession(world, node)
      node.call = Call.claim
      node.callLease = laws.claimsWithoutLease ? -1 : node.lease
      node.callValue = node.value
      return
    case Leaf.proposing:
      node.call = Call.propose
      node.callToken = node.seenToken
      node.callValue = node.value
      return
    case Leaf.releasing:
      node.call = Call.leave
      node.callToken = node.seenToken
      return
    case Leaf.leaving:
      node.call = Call.withdraw
      return
    default:
      node.call = Call.clean
      node.callToken = node.seenToken
  }
}

/** The leader's work asks for a transaction that its reign guards. */
export function guard(world: World, node: NodeState, { laws }: Setting): void {
  const request = {
    kind: Call.guard,
    by: VACANT,
    lease: matchesLease(Call.guard, laws) ? node.lease : NO_LEASE,
    value: 0,
    token: node.seenToken,
    isSameKey: isReign(world, node.seenToken),
  }
  world.late = [...world.late, request]
}

/** A follower opens a session in place of the one that ended. */
export function reopen(world: World, node: NodeState, setting: Setting): void {
  openSession(world, node)
  tell(world, node, { type: 'opened' }, setting)
}

/** Whether the session of `node` can end. A follower has one, even where it is not told from a fresh one. */
export function canEndSession(node: NodeState): boolean {
  const { session } = node
  return session === Session.valid || (session === Session.none && isCandidate(node))
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
  const { entered } = node
  dropSession(node)
  // By itself a session that ends takes away no knowledge of the entry under it.
  if (isCandidate(node)) node.entered = entered
  if (isWatching(node)) tell(world, node, { type: 'expired' }, setting)
  if (!isCandidate(node)) node.entered = 0
  if (isFollower(node) && node.outdated === Outdated.hears) node.outdated = Outdated.silent
}

/** The deadline passes without an answer. */
export function fail(world: World, node: NodeState, setting: Setting): void {
  const { leaf } = node
  const type = isDeleting(leaf) ? deletedBy(node) : 'failed'
  // A write of the value is repeated until it has an answer, or its reign is over. A record whose
  // deletion had none is the greater doubt.
  const isDoubted = leaf === Leaf.leaving && node.seen === Seen.me
  const unanswered = leaf !== Leaf.proposing && leaf !== Leaf.listing && !isDoubted
  endCall(node)
  tell(world, node, { type, unanswered }, setting)
}

/** What a node is told that leaves, once its record is deleted, or its entry. */
export function deletedBy({ leaf, entered }: NodeState): 'deleted' | 'released' {
  return leaf === Leaf.releasing && entered === 1 ? 'deleted' : 'released'
}

/** An answer reaches the node. */
export function answer(world: World, node: NodeState, setting: Setting): void {
  const { call, callToken: token, callValue: value, callRevision: revision, callBehind } = node
  const entered = node.callTo === 1 ? { entered: value } : {}
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
      hears({ type: 'held', seen: Seen.me, token, ...entered })
      return
    case Call.heldByOther:
    case Call.heldByLeaving:
    case Call.heldByJunk: {
      const seen = call === Call.heldByJunk ? Seen.junk : Seen.other
      hears({ type: 'held', seen, token, leaving: call === Call.heldByLeaving, ...entered })
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
      hears({ type: deletedBy(node) })
      return
    case Call.listed:
      hears({ type: 'listed', waiting: countOf(node.waiting) })
      return
    case Call.proposed:
      hears({ type: 'proposed', value, revision })
      return
    case Call.reignOver:
      hears({ type: 'reignOver' })
      return
    case Call.entered:
      hears({ type: 'entered', value })
      return
    case Call.handedOver:
      hears({ type: 'handedOver' })
      return
    case Call.declined:
      hears({ type: 'declined' })
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
  // It takes away its entry as well.
  node.entry = NO_LEASE
  node.entryValue = 0
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
  // Whatever watches next goes on where this one is.
  tell(world, node, eventFor(change, index, node), setting, node.pending)
}

function eventFor(
  { by, value, token, revision, leaving, lease }: Change,
  index: number,
  node: NodeState,
): ChartEvent {
  if (by === VACANT) return { type: 'vacated', revision }
  const seen = by === index ? Seen.me : by === JUNK ? Seen.junk : Seen.other
  const isOfSession = lease === (node.lease === NO_LEASE ? REVOKED : node.lease)
  const installed = by === index && node.session === Session.valid && isOfSession
  const changed = { type: 'changed', seen, value, token, revision, leaving } as const
  const reentered = node.entered === 1 && node.entry !== NO_LEASE
  return installed ? { ...changed, installed, reentered } : changed
}

/** Whom a node that stops can hand over to. */
export function candidatesFor(world: World, index: number): readonly number[] {
  const found = world.nodes.map((_, by) => by).filter((by) => by !== index)
  return [...found, GONE].filter((by) => entryOf(world, by) !== NO_LEASE)
}

/** Its work has ended, and these are known to wait, the latest first. */
export function knows(
  world: World,
  node: NodeState,
  candidates: readonly number[],
  setting: Setting,
): void {
  node.waiting = waitingOf(candidates)
  tell(world, node, { type: 'drained', waiting: candidates.length }, setting)
}

/** The store tells who waits. */
export function list(node: NodeState, candidates: readonly number[]): void {
  endCall(node)
  if (node.outdated === Outdated.no) {
    node.call = Call.listed
    node.waiting = waitingOf(candidates)
  } else {
    node.call = Call.ofOtherHistory
  }
}

/** It is told of the lease of one of those. */
export function check(
  world: World,
  node: NodeState,
  slot: number,
  answer: number,
  setting: Setting,
): void {
  if (node.outdated !== Outdated.no && answer !== Answer.silence) {
    hearReset(world, node, setting)
    return
  }
  const told = withAnswer(node.waiting, slot, answer)
  tell(world, node, { type: 'checked', slot, answer }, setting)
  compareChoice(world, node, told)
}

/** It has taken too long to be told of all of them. */
export function endChoosing(world: World, node: NodeState, setting: Setting): void {
  const told = node.waiting
  tell(world, node, { type: 'untilChosen' }, setting)
  compareChoice(world, node, told)
}

/** Whoever is overdue is chosen only where nobody is known to be in time. */
function compareChoice(world: World, { leaf, callTo }: NodeState, told: number): void {
  if (leaf !== Leaf.handingOver) return
  const answerOf = (by: number) => (placeOf(told, by) - 1) % 4
  const others = world.nodes.map((_, by) => by).concat(GONE)
  const isOverdue = answerOf(callTo) === Answer.overdue
  if (isOverdue && others.some((by) => placeOf(told, by) > 0 && answerOf(by) === Answer.inTime)) {
    world.broken = 'overdue candidate chosen'
  }
}
