/** One step of the model. */
import type { World } from './world.js'

/** What can happen next in the model. */
export type StepName =
  | 'start'
  | 'stop'
  | 'workFailed'
  | 'transfer'
  | 'propose'
  | 'guard'
  | 'crash'
  | 'noSession'
  | 'send'
  | 'drained'
  | 'known'
  | 'list'
  | 'check'
  | 'untilListed'
  | 'untilChosen'
  | 'giveNotice'
  | 'carryOut'
  | 'answer'
  | 'lose'
  | 'loseAnswer'
  | 'delay'
  | 'backoff'
  | 'courtesy'
  | 'reopen'
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
  | 'electRaftLeader'
  | 'hearOfRaftLeader'
  | 'renew'
  | 'proceedRenewal'
  | 'loseRenewal'
  | 'loseHistory'
  | 'restoreHistory'
  | 'hearReset'
  | 'throw'
  | 'restoreActor'

export interface Step {
  readonly name: StepName
  /** The node it happens to, or -1 when it happens to the store. */
  readonly node: number
  /** Which of several: a request that is late, a lease that is old, a backup, a state restored. */
  readonly which: number
}

/** Which way a claim is answered, or a look, that finds the node's own record, and does not know it for its own. */
export const FORGOTTEN = 1

/** Its claim, which is taken to be sent as soon as it can be, is still to be sent when the node is stopped. */
export const UNSENT = 1

/** The user of a node that leaves has just had it start again, or stay stopped after all. */
export const USER_ASKS = 32

/** Makes a step: `change` is done to a copy of the world. It says `false` where it is none. */
export type Do = (
  name: StepName,
  node: number,
  fair: boolean,
  change: (next: World, which: number) => unknown,
  which?: number,
) => void
