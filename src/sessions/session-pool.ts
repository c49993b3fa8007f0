import type { Clock } from '../clock.js'
import { debug } from '../debug.js'
import { errorFrom, StoppedError, UnreachableError } from '../errors.js'
import type { Store } from '../stores/store.js'
import type { Telemetry } from '../telemetry.js'
import { Session } from './session.js'

interface Slot {
  /** How many nodes there are on each path. */
  readonly users: Map<string, number>
  session: Session | null
  opening: Promise<Session> | null
  /** Grows when the store's history is replaced: what was being opened then is of no use. */
  generation: number
}

/** How long a request may take, given the ttl in seconds: half a ttl, between 1 s and 5 s. */
export function timeoutMsFor(ttl: number): number {
  return Math.min(Math.max(ttl * 500, 1_000), 5_000)
}

/** The sessions of one locker: one for each ttl, shared by all nodes with that ttl. */
export class SessionPool {
  readonly #store: Store
  readonly #clock: Clock
  readonly #telemetry: Telemetry | null
  readonly #slots = new Map<number, Slot>()

  constructor(store: Store, clock: Clock, telemetry: Telemetry | null = null) {
    this.#store = store
    this.#clock = clock
    this.#telemetry = telemetry
    store.onReconnected?.(() => {
      for (const { session } of this.#slots.values()) session?.renewNow()
    })
  }

  /** Counts one more node with this ttl, on a path that it may read. */
  join(ttl: number, path: string): void {
    const slot = this.#slots.get(ttl)
    if (slot === undefined) {
      const users = new Map([[path, 1]])
      this.#slots.set(ttl, { users, session: null, opening: null, generation: 0 })
    } else slot.users.set(path, (slot.users.get(path) ?? 0) + 1)
  }

  /** A session that is valid. Rejects with what the store said if none can be opened. */
  async current(ttl: number): Promise<Session> {
    const slot = this.#slots.get(ttl)
    if (slot === undefined) throw new StoppedError('the session is closed')
    if (slot.session?.check()) return slot.session
    if (slot.opening !== null) return slot.opening
    const opening = this.#open(slot, ttl).finally(() => {
      if (slot.opening === opening) slot.opening = null
    })
    slot.opening = opening
    return opening
  }

  /** Counts one node less; after the last one the session is closed, and its lease revoked. */
  async leave(ttl: number, path: string): Promise<void> {
    const slot = this.#slots.get(ttl)
    const onPath = slot?.users.get(path)
    if (slot === undefined || onPath === undefined) return
    if (onPath > 1) slot.users.set(path, onPath - 1)
    else slot.users.delete(path)
    if (slot.users.size > 0) return
    this.#slots.delete(ttl)
    const session = slot.session ?? (await slot.opening?.catch(() => null)) ?? null
    if (session === null) return
    session.end()
    await this.#revoke(session, ttl)
  }

  /**
   * The store's history was replaced: no session of the one before is relied on any more. `tell` is
   * called when none is valid, and before any of them ends.
   */
  reset(tell: () => void): void {
    const sessions: Session[] = []
    for (const slot of this.#slots.values()) {
      slot.generation += 1
      if (slot.session !== null) sessions.push(slot.session)
      slot.session = null
      slot.opening = null
    }
    for (const session of sessions) session.invalidate()
    tell()
    for (const session of sessions) session.end()
  }

  async #open(slot: Slot, ttl: number): Promise<Session> {
    const { users, generation } = slot
    const session = await Session.open(
      this.#store,
      this.#clock,
      ttl,
      { [Symbol.iterator]: () => users.keys() },
      timeoutMsFor(ttl),
    )
    if (slot.generation !== generation) {
      session.end()
      void this.#revoke(session, ttl)
      throw new UnreachableError('opening a session: the store’s history was replaced meanwhile')
    }
    slot.session = session
    const { id, ttlMs } = session.lease
    debug('session %s: opened, for %d ms', id, ttlMs)
    const telemetry = this.#telemetry
    session.subscribe({
      ...(telemetry && { renewed: (_validityMs, tookMs) => telemetry.renewed(ttl, tookMs) }),
      retrying: (error, attempt) => {
        debug('session %s: renewal %d failed: %s', id, attempt, error.message)
      },
      ended: () => {
        debug('session %s: ended', id)
        if (slot.session === session) slot.session = null
        // Its records need not stand until the lease expires.
        if (slot.users.size > 0) void this.#revoke(session, ttl)
      },
    })
    return session
  }

  /** Where this fails the lease runs out by itself. */
  async #revoke({ lease }: Session, ttl: number): Promise<void> {
    try {
      await this.#store.revoke(lease, { timeoutMs: timeoutMsFor(ttl) })
    } catch (thrown) {
      debug('the lease was not revoked, and runs out by itself: %s', errorFrom(thrown).message)
    }
  }
}
