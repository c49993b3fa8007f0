import type { Clock } from '../clock.js'

/** So long after its election, in milliseconds, a leader asks who waits; and so long nobody else is to be elected before it does. */
const SETTLED_MS = 300
/** While others are elected, it leaves them the processor; but no longer than that, in milliseconds. */
const LONGEST_MS = 3_000
/** So many ask at once: about as many as one request takes. */
const AT_ONCE = 120
/** And then nobody for so long, in milliseconds. */
const APART_MS = 20

export interface NewLeader {
  ask(): void
}

/**
 * The leaders of a locker that do not know who waits, since others did when they were elected, since thousands
 * were elected at once, or since they have lost what they knew. They ask together, when no more are elected.
 */
export class NewLeaders {
  readonly #clock: Clock
  /** When each of them came, in that order. */
  readonly #waiting = new Map<NewLeader, number>()
  #latestAt = 0
  /** Since when it has counted those that are elected, and how many there were. */
  #countedFrom = Number.NEGATIVE_INFINITY
  #elected = 0
  #timer: unknown = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One more is elected. Returns whether they are so few of late that what it begins now takes little from the others. */
  areFew(): boolean {
    const now = this.#clock.now()
    if (now - this.#countedFrom >= SETTLED_MS) {
      this.#countedFrom = now
      this.#elected = 0
    }
    this.#elected += 1
    return this.#elected <= AT_ONCE
  }

  /** Has it ask, once, a while later. */
  add(leader: NewLeader): void {
    this.#latestAt = this.#clock.now()
    this.#waiting.set(leader, this.#latestAt)
    this.#arm(SETTLED_MS)
  }

  /** It need not ask any more. One that has asked already is no error. */
  delete(leader: NewLeader): void {
    this.#waiting.delete(leader)
    if (this.#waiting.size === 0 && this.#timer !== null) this.#disarm()
  }

  #arm(ms: number): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#round(), ms)
  }

  #disarm(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = null
  }

  #round(): void {
    this.#timer = null
    const now = this.#clock.now()
    const [first = now] = this.#waiting.values()
    const quietMs = now - this.#latestAt
    if (quietMs < SETTLED_MS && now - first < LONGEST_MS) {
      this.#arm(SETTLED_MS - quietMs)
      return
    }
    let left = AT_ONCE
    for (const [leader, since] of this.#waiting) {
      if (left === 0 || now - since < SETTLED_MS) break
      left -= 1
      this.#waiting.delete(leader)
      leader.ask()
    }
    if (this.#waiting.size > 0) this.#arm(APART_MS)
  }
}
