import type { Clock } from '../clock.js'

/** Less is how finely the clocks tell the time, and how the wall clock is kept right, in milliseconds. */
const SET_BACK_MS = 10

/**
 * How much time has passed, by whichever clock shows more of it. The monotonic one stands still while
 * the machine is suspended; the wall clock shows that, unless it is set. What it showed is kept when it
 * is set back afterwards, and how far it was set back is known if it was read before the machine is
 * suspended.
 */
export class Stopwatch {
  /** By the monotonic clock. */
  readonly startedAt: number
  readonly #clock: Clock
  readonly #startedAtWall: number
  /** How far the wall clock was ahead of the monotonic one when it was last read. */
  #aheadMs = 0
  /** The same, when it was furthest back since it was set back. */
  #lowestMs = 0
  /** How long the machine was suspended before that. */
  #suspendedBeforeMs = 0
  #suspendedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.startedAt = clock.now()
    this.#startedAtWall = clock.wallNow()
  }

  /** In milliseconds. `NaN` while the clocks cannot tell it. */
  get elapsedMs(): number {
    const monotonicMs = this.#clock.now() - this.startedAt
    const aheadMs = this.#clock.wallNow() - this.#startedAtWall - monotonicMs
    if (Number.isNaN(aheadMs)) return Number.NaN
    if (aheadMs < this.#aheadMs - SET_BACK_MS) {
      this.#suspendedBeforeMs = this.#suspendedMs
      this.#lowestMs = aheadMs
    }
    this.#aheadMs = aheadMs
    this.#lowestMs = Math.min(this.#lowestMs, aheadMs)
    const sinceMs = aheadMs - this.#lowestMs
    this.#suspendedMs = Math.max(this.#suspendedMs, this.#suspendedBeforeMs + sinceMs)
    return monotonicMs + this.#suspendedMs
  }
}
