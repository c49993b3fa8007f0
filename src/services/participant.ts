import type { Session } from '../sessions/session.js'
import type { Reign } from '../stores/store.js'

/**
 * What a node's services know and its statechart does not: the statechart's context is plain data,
 * and these are the live things behind it.
 */
export class Participant {
  readonly path: string
  readonly id: string
  readonly instance: string
  readonly ttl: number
  /** Whether it counts as a user of the locker's session. */
  joined = false
  session: Session | null = null
  /** The reign of the latest claim that was won, until it is released. */
  reign: Reign | null = null
  /** The lease of the latest claim that was sent. */
  claimedUnder: string | null = null
  /** The claim on its way; it never rejects. */
  claiming: Promise<unknown> | null = null
  /** The session under which a claim or a release had no answer: a record may stand there, or come to. */
  doubtIn: Session | null = null
  /** The leader's work; it never rejects. */
  work: Promise<unknown> | null = null

  constructor({ path, id, instance, ttl }: Pick<Participant, 'path' | 'id' | 'instance' | 'ttl'>) {
    this.path = path
    this.id = id
    this.instance = instance
    this.ttl = ttl
  }
}
