/** Everything that can happen next in a world. */

import { forEachActorStep } from './actor.js'
import type { Bounds } from './bounds.js'
import type { ChartEvent } from './chart.js'
import {
  answer,
  bringChange,
  candidatesFor,
  canEndSession,
  canLook,
  check,
  endChoosing,
  endSession,
  endValidity,
  fail,
  guard,
  knows,
  list,
  look,
  mustSend,
  reopen,
  send,
} from './node.js'
import { isAnswered } from './normalise.js'
import { canElectRaftLeader, electRaftLeader, forEachRenewalStep } from './renewal.js'
import { backupsOf, canReplaceHistory, hearReset, loseHistory, restoreHistory } from './reset.js'
import { type Do, FORGOTTEN, type Step, type StepName, UNSENT, USER_ASKS } from './step.js'
import {
  abandonedLeases,
  canForget,
  canGiveNotice,
  carryOut,
  carryOutLate,
  endLease,
  giveNotice,
  operatorDeletes,
  operatorRevokes,
  operatorWrites,
} from './store.js'
import { canBeLate, leaveRequest, type Setting, tell } from './tell.js'
import { Answer, answerAt, countOf, ordersOf } from './waiting.js'
import {
  Call,
  copyInto,
  endCall,
  Inert,
  isLeader,
  isLeading,
  isQuestion,
  isRequest,
  isStarted,
  isStopped,
  JUNK,
  Leaf,
  NO_LEASE,
  type NodeState,
  newWorld,
  Outdated,
  Seen,
  Session,
  VACANT,
  type World,
} from './world.js'

/**
 * Told of each world that can be next, which is overwritten by the one after it. Steps that are `fair`
 * happen sooner or later by themselves.
 */
export type Visit = (next: World, fair: boolean, step: Step) => void

export function forEachStep(world: World, bounds: Bounds, setting: Setting, visit: Visit): void {
  const next = newWorld(world.nodes.length)
  const doTo: Do = (name, node, fair, change, which = 0) => {
    copyInto(next, world)
    if (change(next, which) === false) return
    visit(next, fair, { name, node, which })
  }

  for (const [index, node] of world.nodes.entries()) {
    forEachMachineStep(world, index, node, bounds, setting, doTo)
    forEachLeaseStep(index, node, bounds, setting, doTo)
    if (bounds.renewals) forEachRenewalStep(index, node, setting, doTo)
    forEachActorStep(index, node, bounds, setting, doTo)
    if (node.outdated === Outdated.hears) {
      doTo('hearReset', index, true, (next) => hearReset(next, next.nodes[index] ?? node, setting))
    }
  }

  for (let index = 0; index < world.late.length; index += 1) {
    doTo('carryOutLate', -1, true, (next) => carryOutLate(next, index, setting), index)
    const request = world.late[index]
    if (request !== undefined && canGiveNotice(world, request.kind, request.token)) {
      doTo('giveLateNotice', -1, true, (next) => giveNotice(next, setting), index)
    }
    const drops = (next: World) => {
      next.late = next.late.toSpliced(index, 1)
    }
    doTo('dropLate', -1, true, drops, index)
  }
  for (const lease of abandonedLeases(world)) {
    doTo('expireOld', -1, true, (next) => endLease(next, lease, setting), lease)
  }
  if (world.keyBy === JUNK) {
    // Junk is never overwritten: somebody has to take it away.
    doTo('operatorDeletes', -1, true, (next) => operatorDeletes(next, setting))
  } else if (bounds.deletes && world.keyBy !== VACANT) {
    doTo('operatorDeletes', -1, false, (next) => operatorDeletes(next, setting))
  }
  if (bounds.renewals && canElectRaftLeader(world)) {
    doTo('electRaftLeader', -1, false, electRaftLeader)
  }
  if (bounds.resets && canReplaceHistory(world)) {
    doTo('loseHistory', -1, false, loseHistory)
    for (let which = backupsOf(world).length - 1; which >= 0; which -= 1) {
      doTo('restoreHistory', -1, false, restoreHistory, which)
    }
  }
  if (bounds.junk && world.keyBy !== JUNK) {
    doTo('operatorWrites', -1, false, (next) => operatorWrites(next, setting))
  }
}

/** What can happen to the machine of a node, to its services and its requests. */
function forEachMachineStep(
  world: World,
  index: number,
  node: NodeState,
  bounds: Bounds,
  setting: Setting,
  doTo: Do,
): void {
  // It runs no service, and nothing reaches its machine any more.
  if (node.inert === Inert.actor) return
  const { leaf, call } = node
  const at = (next: World) => next.nodes[index] ?? node
  const happens = (name: StepName, fair: boolean, event: ChartEvent) =>
    doTo(name, index, fair, (next) => tell(next, at(next), event, setting))
  /** By what becomes of its request it learns that it has left: before that its user may have changed their mind. */
  const asks = (name: StepName, fair: boolean, change: (next: World) => void) => {
    doTo(name, index, fair, change)
    if (!setting.asksLast || !isOnItsWay(leaf)) return
    const type = node.restart === 1 ? 'stop' : 'start'
    const changeAfterwards = (next: World) => {
      tell(next, at(next), { type }, setting)
      change(next)
      if (isAnswered(at(next))) answer(next, at(next), setting)
      // Else it has not learned of it yet.
      return !isOnItsWay(at(next).leaf)
    }
    doTo(name, index, false, changeAfterwards, USER_ASKS)
  }

  // The user.
  if (isTheTimeToAsk(node, setting)) {
    if (!isStarted(node)) happens('start', false, { type: 'start' })
    const canStop = bounds.stops && (isStarted(node) || leaf === Leaf.idle)
    if (canStop) happens('stop', false, { type: 'stop' })
  }
  if (bounds.stops && leaf === Leaf.claiming && call === Call.claim) {
    // It has not been sent yet.
    const withdraws = (next: World) => {
      endCall(at(next))
      tell(next, at(next), { type: 'stop' }, setting)
    }
    doTo('stop', index, false, withdraws, UNSENT)
  }
  if (leaf >= Leaf.holding && leaf <= Leaf.rewaiting) {
    if (bounds.stops) happens('workFailed', false, { type: 'workFailed' })
    if (bounds.transfers) happens('transfer', false, { type: 'transfer' })
  }
  const mayPropose = bounds.onlyLeadersPropose
    ? isLeading(node)
    : isStarted(node) && !isStopped(node)
  if (bounds.values > 1 && mayPropose) {
    happens('propose', false, { type: 'propose', value: 1 - node.value })
  }

  if (bounds.repeats && leaf === Leaf.holding) {
    happens('propose', false, { type: 'propose', value: node.value })
  }
  if (bounds.guards && isLeader(node) && world.late.length < bounds.late) {
    doTo('guard', index, false, (next) => guard(next, at(next), setting))
  }

  // The machine's own services.
  if (node.inert === Inert.nothing) {
    if (isBackingOff(leaf)) happens('backoff', true, { type: 'backoff' })
    if (leaf === Leaf.yielding) happens('courtesy', true, { type: 'courtesy' })
  }
  if (leaf === Leaf.reopening) {
    doTo('reopen', index, true, (next) => reopen(next, at(next), setting))
    happens('noSession', false, { type: 'failed' })
  }
  if (canLook(node)) {
    doTo('look', index, true, (next) => look(next, index, at(next), setting))
    if (canForget(world, index, node.lease)) {
      const forgets = (next: World) => look(next, index, at(next), setting, true)
      doTo('look', index, true, forgets, FORGOTTEN)
    }
  }
  if (leaf === Leaf.draining && node.seen === Seen.me) {
    for (const [which, candidates] of knownTo(world, index).entries()) {
      doTo('known', index, true, (next) => knows(next, at(next), candidates, setting), which)
    }
    happens('drained', true, { type: 'drained' })
  }
  if (leaf === Leaf.checking) {
    doTo('untilChosen', index, true, (next) => endChoosing(next, at(next), setting))
  }
  if (call === Call.none) {
    if (mustSend(node)) doTo('send', index, true, (next) => send(next, at(next), setting))
    if (leaf === Leaf.claiming) happens('noSession', false, { type: 'failed' })
  } else if (isQuestion(call)) {
    forEachQuestionStep(world, index, node, setting, doTo)
  } else {
    if (isRequest(call)) {
      asks('carryOut', true, (next) => carryOut(next, index, at(next), setting))
      if (call === Call.claim && canForget(world, index, node.callLease)) {
        const forgets = (next: World) => carryOut(next, index, at(next), setting, true)
        doTo('carryOut', index, true, forgets, FORGOTTEN)
      }
      if (canGiveNotice(world, call, node.callToken)) {
        doTo('giveNotice', index, true, (next) => giveNotice(next, setting))
      }
      if (setting.answersAtOnce) {
        asks('loseAnswer', false, (next) => {
          carryOut(next, index, at(next), setting)
          fail(next, at(next), setting)
        })
      }
      if (canBeLate(world, call, setting)) {
        asks('delay', false, (next) => {
          const sender = at(next)
          leaveLate(next, index, setting)
          fail(next, sender, setting)
        })
      }
    } else {
      doTo('answer', index, true, (next) => answer(next, at(next), setting))
    }
    asks('lose', false, (next) => fail(next, at(next), setting))
  }
  // Before a watch brings anything it tells of a session that is over.
  if (node.pending > 0 && node.session !== Session.ended) {
    doTo('watch', index, true, (next) => bringChange(next, index, at(next), setting))
  }
  if (node.pending > 1) {
    doTo('compact', index, false, (next) => {
      at(next).pending = 1
    })
  }
}

/** Whom a leader that stops may know to wait: any one of them, or all, in any order. */
export function knownTo(world: World, index: number): readonly (readonly number[])[] {
  const candidates = candidatesFor(world, index)
  const one = candidates.map((by) => [by])
  return candidates.length > 1 ? [...one, ...ordersOf(candidates)] : one
}

/** What can become of a question to the store, which asks who waits, or about leases of those. */
function forEachQuestionStep(
  world: World,
  index: number,
  node: NodeState,
  setting: Setting,
  doTo: Do,
): void {
  const at = (next: World) => next.nodes[index] ?? node
  if (node.call === Call.list) {
    for (const [which, candidates] of ordersOf(candidatesFor(world, index)).entries()) {
      doTo('list', index, true, (next) => list(at(next), candidates), which)
    }
    doTo('lose', index, false, (next) => fail(next, at(next), setting))
    doTo('untilListed', index, true, (next) =>
      tell(next, at(next), { type: 'untilListed' }, setting),
    )
    return
  }
  for (let slot = 0; slot < countOf(node.waiting); slot += 1) {
    if (answerAt(node.waiting, slot) !== Answer.none) continue
    for (const answer of [Answer.inTime, Answer.overdue, Answer.silence]) {
      const isFair = answer !== Answer.silence
      doTo(
        'check',
        index,
        isFair,
        (next) => check(next, at(next), slot, answer, setting),
        slot * 4 + answer,
      )
    }
    // The latest is asked about first, and then both of those before it.
    if (slot === 0) break
  }
}

/**
 * Whether it matters that its user stops or starts it now. Else it is all the same as doing so later,
 * since nothing that can happen in between asks for it: that would only be another order of the same.
 */
function isTheTimeToAsk({ leaf, call }: NodeState, setting: Setting): boolean {
  if (setting.answersAtOnce && leaf === Leaf.claiming && isRequest(call)) return false
  return !setting.asksLast || !isOnItsWay(leaf)
}

/** On its way out: the node has been stopped, and has not left yet. */
function isOnItsWay(leaf: number): boolean {
  return leaf >= Leaf.withdrawing && leaf <= Leaf.leaving
}

function isBackingOff(leaf: number): boolean {
  switch (leaf) {
    case Leaf.waiting:
    case Leaf.rewaiting:
    case Leaf.pausing:
    case Leaf.waitingToReopen:
      return true
    default:
      return false
  }
}

/** What can happen to the session of a node, and to its lease. */
function forEachLeaseStep(
  index: number,
  node: NodeState,
  bounds: Bounds,
  setting: Setting,
  doTo: Do,
): void {
  const { laws } = setting
  const { session, lease } = node
  const at = (next: World) => next.nodes[index] ?? node
  if (canEndSession(node)) {
    doTo('endValidity', index, false, (next) => endValidity(next, at(next), setting))
  }
  if (session === Session.valid) {
    if (lease === NO_LEASE) {
      doTo('leaseGone', index, true, (next) => endSession(next, at(next), setting))
    } else {
      if (bounds.revokes) {
        doTo('operatorRevokes', index, false, (next) => operatorRevokes(next, lease, setting))
      }
      if (laws.expiresEarly || node.unkept === 1) {
        doTo('expire', index, false, (next) => endLease(next, lease, setting))
      }
    }
  }
  if (session === Session.ended) {
    doTo('notice', index, true, (next) => endSession(next, at(next), setting))
    if (laws.renewsAfterTheEnd) {
      doTo('revive', index, false, (next) => {
        at(next).session = Session.valid
      })
    }
  }
}

/** The request goes on by itself, while its sender is about to be told that it failed. */
function leaveLate(world: World, index: number, setting: Setting): void {
  const node = world.nodes[index]
  if (node === undefined) return
  const { call } = node
  leaveRequest(world, node, setting, index)
  endCall(node)
  node.call = call
}
