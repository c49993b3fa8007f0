import type { ElectionEvent, Json } from '../../machines/election.js'
import { encodeRecord } from '../record.js'
import type { Session } from '../sessions/session.js'
import type { SessionPool } from '../sessions/session-pool.js'
import type { Candidacy } from '../stores/store.js'
import type { Queue } from './queue.js'

/**
 * What a node's services know and its statechart does not: the statechart's context is plain data,
 * and these are the live things behind it.
 */
export class Participant {
  readonly path: string
  readonly id: string
  readonly instance: string
  readonly ttl: number
  /** The leader's work; it never rejects. */
  work: Promise<unknown> | null = null
  /** Who waits, while it leads and for as long as that may be relied on. */
  queue: Queue | null = null
  /** The revision at which its claim won, where nobody waited by then. */
  aloneAt: number | null = null
  /** The claim on its way, or whose answer nobody has heard. */
  #claiming: Promise<ElectionEvent> | null = null
  #session: Session | null = null
  /** The latest asking for a session. */
  #opening: Promise<Session> | null = null
  #isLive = false
  #hasJoined = false

  constructor({ path, id, instance, ttl }: Pick<Participant, 'path' | 'id' | 'instance' | 'ttl'>) {
    this.path = path
    this.id = id
    this.instance = instance
    this.ttl = ttl
  }

  /** Whether it has campaigned in this process. One that has not was restored from a snapshot. */
  get isLive(): boolean {
    return this.#isLive
  }

  /** Whether it is one of the users of the locker's session. */
  get hasJoined(): boolean {
    return this.#hasJoined
  }

  /** The session that it relies on, or did last. */
  get session(): Session | null {
    return this.#session
  }

  /** Becomes one of the users of the locker's session, if it is none yet. Returns whether it was none. */
  join(sessions: SessionPool): boolean {
    this.#isLive = true
    if (this.#hasJoined) return false
    this.#hasJoined = true
    sessions.join(this.ttl, this.path)
    return true
  }

  /**
   * Resolves with a session that is valid, which it relies on from now on; unless it has left, or has asked
   * for another, before this one came.
   */
  async open(sessions: SessionPool): Promise<Session> {
    const opening = sessions.current(this.ttl)
    this.#opening = opening
    const session = await opening
    if (this.#opening === opening) this.#session = session
    return session
  }

  /** A claim is on its way; what comes of it never rejects. */
  claims(claiming: Promise<ElectionEvent>): void {
    this.#claiming = claiming
  }

  /**
   * Has what comes of the claim on its way told to `send`. Returns the function that ends that, which
   * leaves the answer for whoever asks next; `null` if there is no claim.
   */
  hear(send: (event: ElectionEvent) => void): (() => void) | null {
    const claiming = this.#claiming
    if (claiming === null) return null
    let isOver = false
    void claiming.then((event) => {
      if (isOver) return
      this.#claiming = null
      send(event)
    })
    return () => {
      isOver = true
    }
  }

  /** Uses the session no more. Returns whether it did; the last one takes the time to revoke the lease. */
  async leave(sessions: SessionPool): Promise<boolean> {
    if (!this.#hasJoined) return false
    this.#hasJoined = false
    this.#opening = null
    await sessions.leave(this.ttl, this.path)
    return true
  }
}

/** With what a node stands beside the path: the token of its reign is known only once it has begun. */
export function candidacyOf(
  { id, instance }: Pick<Participant, 'id' | 'instance'>,
  value: Json,
): Candidacy {
  return { instance, text: encodeRecord({ id, value, instance, token: null }) }
}
