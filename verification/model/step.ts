/** One step of the model. */
import type { World } from './world.js'

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

/** Makes a step: `change` is done to a copy of the world. */
export type Do = (
  name: StepName,
  node: number,
  fair: boolean,
  change: (next: World, which: number) => void,
  which?: number,
) => void
