import { type Clock, LONGEST_DELAY_MS } from '../clock.js'
import {
  errorFrom,
  isForGood,
  LeaseGoneError,
  type RefusedError,
  UnconfirmedError,
} from '../errors.js'
import type { Lease, Store } from '../stores/store.js'
import { Stopwatch } from './stopwatch.js'

const LONGEST_MARGIN_MS = 1_000
const SHORTEST_RETRY_MS = 100

export interface SessionListener {
  /** A renewal was answered, `tookMs` after it was sent. */
  renewed?(validityMs: number, tookMs: number): void
  /** A renewal failed, and is repeated while the session is valid. */
  retrying?(error: Error, attempt: number): void
  /** `refusal` is what the store said, if it will never let this session go on. */
  ended(refusal: RefusedError | null): void
}

/**
 * One lease, and until when it may be relied on.
 *
 * Validity starts when the grant or the renewal was sent, lasts for the granted ttl and ends a
 * margin early, so that it always ends before the store can expire the lease (etcd counts a lease's
 * ttl from when it handles the request, which is later). It is measured on the monotonic and on the
 * wall clock, whichever shows that more has passed. Once it has ended, the session is over for good.
 */
export class Session {
  readonly lease: Lease
  readonly #store: Store
  readonly #clock: Clock
  readonly #paths: Iterable<string>
  readonly #listeners = new Set<SessionListener>()
  #ttlMs: number
  /** Since what was last answered was sent. */
  #sent: Stopwatch
  #endTimer: unknown
  #renewTimer: unknown
  #attempt = 0
  /** How many renewals are on their way. */
  #onTheirWay = 0
  /** How many renewals were answered. */
  #answers = 0
  /** Whether the latest renewal repeats one that may not count. */
  #isRepeating = false
  #ended = false

  constructor(store: Store, clock: Clock, lease: Lease, paths: Iterable<string>, sent: Stopwatch) {
    this.#store = store
    this.#clock = clock
    this.lease = lease
    this.#paths = paths
    this.#ttlMs = lease.ttlMs
    this.#sent = sent
    this.#armEnd()
    this.#armDue()
  }

  /** Opens a session with a lease of `ttl` seconds, for nodes that may read `paths`. */
  static async open(
    store: Store,
    clock: Clock,
    ttl: number,
    paths: Iterable<string>,
    timeoutMs: number,
  ): Promise<Session> {
    const sent = new Stopwatch(clock)
    const lease = await store.grant(ttl, { timeoutMs })
    return new Session(store, clock, lease, paths, sent)
  }

  /** How much longer the session may be relied on; 0 when it may not. */
  get validityMs(): number {
    if (this.#ended) return 0
    const lastsMs = this.#ttlMs - Math.min(this.#ttlMs / 10, LONGEST_MARGIN_MS)
    const leftMs = lastsMs - this.#sent.elapsedMs
    // A clock that cannot tell the time says NaN.
    return Number.isNaN(leftMs) ? 0 : Math.max(0, leftMs)
  }

  get isValid(): boolean {
    return this.validityMs > 0
  }

  /** Whether the session is valid; one whose validity has run out unnoticed ends here. */
  check(): boolean {
    if (!this.#ended && !this.isValid) this.end()
    return !this.#ended
  }

  /** It may be relied on no more, before anybody is told of it: `end` follows. */
  invalidate(): void {
    this.#ttlMs = 0
  }

  /** Renews it now, rather than when half of its ttl has passed, unless a renewal is on its way. */
  renewNow(): void {
    if (!this.#ended && this.#onTheirWay === 0) void this.#renew()
  }

  subscribe(listener: SessionListener): void {
    this.#listeners.add(listener)
  }

  unsubscribe(listener: SessionListener): void {
    this.#listeners.delete(listener)
  }

  end(refusal: RefusedError | null = null): void {
    if (this.#ended) return
    this.#ended = true
    this.#clock.clearTimeout(this.#endTimer)
    this.#clock.clearTimeout(this.#renewTimer)
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener.ended(refusal)
  }

  #armEnd(): void {
    this.#clock.clearTimeout(this.#endTimer)
    this.#endTimer = this.#clock.setTimeout(
      () => {
        // Timers may fire a little early.
        if (this.check()) this.#armEnd()
      },
      Math.min(Math.ceil(this.validityMs), LONGEST_DELAY_MS),
    )
  }

  /** A renewal is to be answered when half of the ttl has passed, or at least sent. */
  #armDue(): void {
    const { renewalMs } = this.#store
    const passedMs = () => this.#clock.now() - this.#sent.startedAt
    const dueMs = () =>
      this.#ttlMs / 2 - Math.min(this.#store.renewalMs ?? 0, this.#ttlMs / 4) - passedMs()
    if (renewalMs === undefined) {
      this.#armRenewal(dueMs())
      return
    }
    // How long it takes may become known meanwhile.
    this.#clock.clearTimeout(this.#renewTimer)
    this.#renewTimer = this.#clock.setTimeout(
      () => this.#armRenewal(dueMs()),
      Math.min(Math.max(0, Math.floor(this.#ttlMs / 4 - passedMs())), LONGEST_DELAY_MS),
    )
  }

  #armRenewal(delayMs: number): void {
    this.#clock.clearTimeout(this.#renewTimer)
    this.#renewTimer = this.#clock.setTimeout(
      () => void this.#renew(),
      Math.min(Math.max(0, Math.floor(delayMs)), LONGEST_DELAY_MS),
    )
  }

  async #renew(): Promise<void> {
    if (!this.check()) return
    const leftMs = this.validityMs
    const sent = new Stopwatch(this.#clock)
    // An answer may take as long as the session is valid; meanwhile another attempt is made, in
    // case this one’s connection is frozen.
    const fairMs = Math.min(2 * (this.#store.renewalMs ?? 0), leftMs / 2)
    this.#armRenewal(Math.max(leftMs / 4, fairMs, SHORTEST_RETRY_MS))
    const answers = this.#answers
    try {
      const ttlMs = await this.#ask(leftMs)
      const isLater = sent.startedAt >= this.#sent.startedAt && !Number.isNaN(sent.elapsedMs)
      if (!this.check() || !isLater) return
      this.#answers += 1
      this.#isRepeating = false
      this.#ttlMs = ttlMs
      this.#sent = sent
      this.#attempt = 0
      this.#armEnd()
      this.#armDue()
      const { validityMs } = this
      const tookMs = this.#clock.now() - sent.startedAt
      for (const listener of [...this.#listeners]) listener.renewed?.(validityMs, tookMs)
    } catch (thrown) {
      const error = errorFrom(thrown)
      if (!this.check()) return
      if (error instanceof LeaseGoneError || isForGood(error)) {
        this.end(isForGood(error) ? error : null)
        return
      }
      // Another attempt has been answered meanwhile: nothing is wrong.
      if (answers !== this.#answers) return
      const isFirstInARow = error instanceof UnconfirmedError && !this.#isRepeating
      this.#isRepeating = isFirstInARow
      if (isFirstInARow) {
        // Its answer tells what was to be known before it: the next one may count.
        void this.#renew()
        return
      }
      this.#attempt += 1
      const attempt = this.#attempt
      for (const listener of [...this.#listeners]) listener.retrying?.(error, attempt)
    }
  }

  async #ask(timeoutMs: number): Promise<number> {
    this.#onTheirWay += 1
    try {
      return await this.#store.renew(this.lease, { timeoutMs }, this.#paths)
    } finally {
      this.#onTheirWay -= 1
    }
  }
}
