/** Everything that can happen next in a world. */

import type { Bounds } from './bounds.js'
import {
  answer,
  bringChange,
  canLook,
  crash,
  endSession,
  endValidity,
  fail,
  leaveRequest,
  look,
  release,
  type Setting,
  sendClaim,
  tell,
} from './node.js'
import {
  abandonedLeases,
  canGiveNotice,
  carryOut,
  carryOutLate,
  endLease,
  giveNotice,
  operatorDeletes,
  operatorRevokes,
  operatorWrites,
} from './store.js'
import {
  Call,
  copyWorld,
  endCall,
  GONE,
  isStarted,
  isStopped,
  JUNK,
  Leaf,
  NO_LEASE,
  newNode,
  Session,
  VACANT,
  type World,
} from './world.js'

/** What can happen next in the model. */
export type StepName =
  | 'start'
  | 'stop'
  | 'workFailed'
  | 'propose'
  | 'crash'
  | 'noSession'
  | 'send'
  | 'giveNotice'
  | 'carryOut'
  | 'answer'
  | 'lose'
  | 'delay'
  | 'backoff'
  | 'drained'
  | 'release'
  | 'look'
  | 'watch'
  | 'compact'
  | 'endValidity'
  | 'notice'
  | 'expire'
  | 'expireOld'
  | 'revive'
  | 'leaseGone'
  | 'carryOutLate'
  | 'giveLateNotice'
  | 'dropLate'
  | 'operatorDeletes'
  | 'operatorWrites'
  | 'operatorRevokes'

export interface Step {
  readonly name: StepName
  /** The node it happens to, or -1 when it happens to the store. */
  readonly node: number
  /** Which of several: a request that is late, a lease that is old. */
  readonly which: number
}

/** Told of each world that can be next. Steps that are `fair` happen sooner or later by themselves. */
export type Visit = (next: World, fair: boolean, step: Step) => void

export function forEachStep(world: World, bounds: Bounds, setting: Setting, visit: Visit): void {
  const { laws } = setting
  const doTo = (
    name: StepName,
    node: number,
    fair: boolean,
    change: (next: World, which: number) => void,
    which = 0,
  ) => {
    const next = copyWorld(world)
    change(next, which)
    visit(next, fair, { name, node, which })
  }

  for (let index = 0; index < world.nodes.length; index += 1) {
    const node = world.nodes[index]
    if (node === undefined) continue
    const { leaf, call, session, lease } = node
    const at = (next: World) => next.nodes[index] ?? node
    const happens = (name: StepName, fair: boolean, event: Parameters<typeof tell>[2]) =>
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

    // The process.
    if (bounds.crashes && leaf !== Leaf.idle) {
      doTo('crash', index, false, (next) => {
        crash(next, index, at(next), GONE, setting)
        next.nodes[index] = newNode()
      })
    }

    // The machine's own services.
    if (leaf === Leaf.waiting || leaf === Leaf.rewaiting)
      happens('backoff', true, { type: 'backoff' })
    if (leaf === Leaf.draining) happens('drained', true, { type: 'drained' })
    if (call === Call.none) {
      if (leaf === Leaf.claiming) {
        doTo('send', index, true, (next) => sendClaim(next, at(next), setting))
        happens('noSession', false, { type: 'failed' })
      }
      if (leaf === Leaf.proposing) {
        doTo('send', index, true, (next) => {
          const sender = at(next)
          sender.call = Call.propose
          sender.callToken = sender.seenToken
          sender.callValue = sender.value
        })
      }
      if (leaf === Leaf.releasing) {
        doTo('release', index, true, (next) => release(next, at(next), setting))
      }
      if (canLook(node)) {
        doTo('look', index, true, (next) => look(next, index, at(next), setting))
      }
    } else {
      const isRequest =
        call === Call.claim || call === Call.clean || call === Call.leave || call === Call.propose
      const isAnswerAwaited = leaf !== Leaf.draining
      if (isRequest) {
        doTo('carryOut', index, true, (next) => carryOut(next, index, at(next), setting))
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
      } else if (isAnswerAwaited) {
        doTo('answer', index, true, (next) => answer(next, at(next), setting))
      }
      doTo('lose', index, false, (next) => fail(next, at(next), setting))
    }
    if (node.pending > 0) {
      doTo('watch', index, true, (next) => bringChange(next, index, at(next), setting))
    }
    if (node.pending > 1) {
      doTo('compact', index, false, (next) => {
        at(next).pending = 1
      })
    }

    // The session.
    if (session === Session.valid) {
      doTo('endValidity', index, false, (next) => endValidity(next, at(next), setting))
      if (lease === NO_LEASE) {
        doTo('leaseGone', index, true, (next) => endSession(next, at(next), setting))
      } else {
        if (bounds.revokes) {
          doTo('operatorRevokes', index, false, (next) => operatorRevokes(next, lease, setting))
        }
        if (laws.expiresEarly) {
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
  if (bounds.junk && world.keyBy !== JUNK) {
    doTo('operatorWrites', -1, false, (next) => operatorWrites(next, setting))
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
