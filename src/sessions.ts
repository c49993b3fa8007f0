import type { Clock } from './clock.js'
import { debug } from './debug.js'
import { errorFrom, StoppedError } from './errors.js'
import { Session } from './session.js'
import type { Store } from './stores/store.js'
import type { Telemetry } from './telemetry.js'

interface Slot {
  users: number
  session: Session | null
  opening: Promise<Session> | null
}

/** How long a request may take, given the ttl in seconds: half a ttl, between 1 s and 5 s. */
export function withinMsFor(ttl: number): number {
  return Math.min(Math.max(ttl * 500, 1_000), 5_000)
}

/** The sessions of one locker: one for each ttl, shared by all nodes with that ttl. */
export class Sessions {
  readonly #store: Store
  readonly #clock: Clock
  readonly #telemetry: Telemetry | null
  readonly #slots = new Map<number, Slot>()

  constructor(store: Store, clock: Clock, telemetry: Telemetry | null = null) {
    this.#store = store
    this.#clock = clock
    this.#telemetry = telemetry
  }

  /** Counts one more node with this ttl. */
  join(ttl: number): void {
    const slot = this.#slots.get(ttl)
    if (slot === undefined) this.#slots.set(ttl, { users: 1, session: null, opening: null })
    else slot.users += 1
  }

  /** A session that is valid. Rejects with what the store said if none can be opened. */
  async current(ttl: number): Promise<Session> {
    const slot = this.#slots.get(ttl)
    if (slot === undefined) throw new StoppedError('the session is closed')
    if (slot.session?.check()) return slot.session
    slot.opening ??= this.#open(slot, ttl)
    return slot.opening
  }

  /** Counts one node less; after the last one the session is closed, and its lease revoked. */
  async leave(ttl: number): Promise<void> {
    const slot = this.#slots.get(ttl)
    if (slot === undefined) return
    slot.users -= 1
    if (slot.users > 0) return
    this.#slots.delete(ttl)
    const session = slot.session ?? (await slot.opening?.catch(() => null)) ?? null
    if (session === null) return
    session.end()
    await this.#revoke(session, ttl)
  }

  async #open(slot: Slot, ttl: number): Promise<Session> {
    try {
      const session = await Session.open(this.#store, this.#clock, ttl, withinMsFor(ttl))
      slot.session = session
      const { id, ttlMs } = session.lease
      debug('session %s: opened, for %d ms', id, ttlMs)
      const telemetry = this.#telemetry
      session.subscribe({
        ...(telemetry && { renewed: (_validityMs, tookMs) => telemetry.renewed(ttl, tookMs) }),
        troubled: (error, attempt) => {
          debug('session %s: renewal %d failed: %s', id, attempt, error.message)
        },
        ended: () => {
          debug('session %s: ended', id)
          if (slot.session === session) slot.session = null
          // Its records need not stand until the lease expires.
          if (slot.users > 0) void this.#revoke(session, ttl)
        },
      })
      return session
    } finally {
      slot.opening = null
    }
  }

  /** Where this fails the lease runs out by itself. */
  async #revoke({ lease }: Session, ttl: number): Promise<void> {
    try {
      await this.#store.revoke(lease, { withinMs: withinMsFor(ttl) })
    } catch (thrown) {
      debug('the lease was not revoked, and runs out by itself: %s', errorFrom(thrown).message)
    }
  }
}
