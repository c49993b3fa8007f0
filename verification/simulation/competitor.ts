import type { EventEmitter } from 'node:events'
import type { ElectionActor, Json } from '../../machines/election.js'
import type { Locker } from '../../src/locker.js'
import type { NodeEvents } from '../../src/node-types.js'
import type { Link } from '../../src/stores/link.js'
import type { Client } from './client.js'
import type { Member } from './member.js'
import type { ProcessClock } from './process-clock.js'
import type { SimulatedNode } from './schedule.js'

/** One life of a simulated process. */
export interface Process {
  readonly clock: ProcessClock
  readonly link: Link
  readonly member: Member
  readonly client: Client
  readonly locker: Locker
  /** How many histories the store had had when the process began. */
  readonly bornIn: number
}

/** What takes part in the election: a LockedNode, or something that can be used like one. */
export interface Player extends Pick<EventEmitter<NodeEvents>, 'on'> {
  readonly actor: ElectionActor
  readonly isLeader: boolean
  readonly state: string
  start(): unknown
  stop(): unknown
  transfer(to?: string): Promise<unknown>
  propose(value: Json): void
  /** For how long its work is waited for when it stops now, in milliseconds. */
  readonly validityMs: number
}

/** The work of one election, until it ends. */
export interface Working {
  /** When its node was told to stop or to transfer: until when it is waited for, by the process's clock. */
  waitedFor: { readonly until: number; readonly history: number } | null
}

/** One player in one life of its process. */
export interface Competitor {
  /** Unique in the run. */
  readonly name: string
  readonly id: string
  readonly settings: SimulatedNode
  readonly process: Process
  readonly player: Player
  /** Whether it is meant to take part. */
  started: boolean
  dead: boolean
  /** The history in which it was elected, while it is selected. */
  ledIn: number | null
  working: Working | null
}

/** The history that a process has heard of last. */
export function historyOf({ bornIn, link }: Process): number {
  return bornIn + link.history
}
