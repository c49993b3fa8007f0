/** Everything that can happen next in a world. */

import { forEachActorStep } from './actor.js'
import type { Bounds } from './bounds.js'
import type { ChartEvent } from './chart.js'
import {
  answer,
  bringChange,
  canEndSession,
  canLook,
  endSession,
  endValidity,
  fail,
  look,
  reopen,
  sendClaim,
} from './node.js'
import { canElectRaftLeader, electRaftLeader, forEachRenewalStep } from './renewal.js'
import { backupsOf, canReplaceHistory, hearReset, loseHistory, restoreHistory } from './reset.js'
import { type Do, FORGOTTEN, type Step, type StepName } from './step.js'
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
import { leaveRequest, type Setting, tell } from './tell.js'
import {
  Call,
  copyWorld,
  endCall,
  Inert,
  isClearing,
  isRequest,
  isStarted,
  isStopped,
  JUNK,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
  Session,
  VACANT,
  type World,
} from './world.js'

/** Told of each world that can be next. Steps that are `fair` happen sooner or later by themselves. */
export type Visit = (next: World, fair: boolean, step: Step) => void

export function forEachStep(world: World, bounds: Bounds, setting: Setting, visit: Visit): void {
  const doTo: Do = (name, node, fair, change, which = 0) => {
    const next = copyWorld(world)
    change(next, which)
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
    doTo('dropLate', -1, true, (next) => next.late.splice(index, 1), index)
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

  // The user.
  if (!isStarted(node)) happens('start', false, { type: 'start' })
  if (isStarted(node) || leaf === Leaf.idle) happens('stop', false, { type: 'stop' })
  if (leaf >= Leaf.holding && leaf <= Leaf.rewaiting) {
    happens('workFailed', false, { type: 'workFailed' })
  }
  if (bounds.values > 1 && isStarted(node) && !isStopped(node)) {
    happens('propose', false, { type: 'propose', value: 1 - node.value })
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
  if (call === Call.none) {
    if (leaf === Leaf.claiming) {
      doTo('send', index, true, (next) => sendClaim(next, at(next), setting))
      happens('noSession', false, { type: 'failed' })
    }
    if (isClearing(node) || leaf === Leaf.releasing) {
      doTo('send', index, true, (next) => {
        const sender = at(next)
        sender.call = isClearing(sender) ? Call.clean : Call.leave
        sender.callToken = sender.seenToken
      })
    }
    if (leaf === Leaf.proposing) {
      doTo('send', index, true, (next) => {
        const sender = at(next)
        sender.call = Call.propose
        sender.callToken = sender.seenToken
        sender.callValue = sender.value
      })
    }
  } else {
    if (isRequest(call)) {
      doTo('carryOut', index, true, (next) => carryOut(next, index, at(next), setting))
      if (call === Call.claim && canForget(world, index, node.callLease)) {
        const forgets = (next: World) => carryOut(next, index, at(next), setting, true)
        doTo('carryOut', index, true, forgets, FORGOTTEN)
      }
      if (canGiveNotice(world, call, node.callToken)) {
        doTo('giveNotice', index, true, (next) => giveNotice(next, setting))
      }
      if (world.late.length < setting.late) {
        doTo('delay', index, false, (next) => {
          const sender = at(next)
          leaveLate(next, index, setting)
          fail(next, sender, setting)
        })
      }
    } else {
      doTo('answer', index, true, (next) => answer(next, at(next), setting))
    }
    doTo('lose', index, false, (next) => fail(next, at(next), setting))
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

function isBackingOff(leaf: number): boolean {
  return leaf === Leaf.waiting || leaf === Leaf.rewaiting || leaf === Leaf.waitingToReopen
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
