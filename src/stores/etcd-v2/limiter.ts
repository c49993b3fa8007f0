/** Keeps a process below ten requests a second to a cluster that is down. */
const PAUSE_MS = 130
const MOST_AT_ONCE = 64

interface Waiting {
  readonly begin: () => void
}

/**
 * When a request may be sent. As long as etcd answers: at once, up to a number of requests that are
 * unanswered. As long as it does not: one after the other, slowly, whoever wants to send.
 */
export class RequestLimiter {
  readonly #waiting = new Set<Waiting>()
  #isHeard = false
  #unanswered = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  /** Whether etcd’s last answer is newer than the last sign that it does not answer. */
  get isHeard(): boolean {
    return this.#isHeard
  }

  /** Calls `begin` when it is its turn. Returns what withdraws it. */
  next(begin: () => void): () => void {
    const waiting = { begin }
    this.#waiting.add(waiting)
    this.#go()
    return () => {
      this.#waiting.delete(waiting)
    }
  }

  /** A request whose turn it was is no longer on its way, answered or not. */
  done(): void {
    this.#unanswered -= 1
    this.#go()
  }

  heard(): void {
    this.#isHeard = true
    this.#go()
  }

  missed(): void {
    this.#isHeard = false
  }

  #go(): void {
    for (const waiting of this.#waiting) {
      if (!this.#mayBegin()) return
      this.#waiting.delete(waiting)
      this.#unanswered += 1
      this.#lastAt = performance.now()
      waiting.begin()
    }
  }

  #mayBegin(): boolean {
    if (this.#isHeard) return this.#unanswered < MOST_AT_ONCE
    const pauseMs = this.#lastAt + PAUSE_MS - performance.now()
    if (pauseMs <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#go()
    }, pauseMs)
    return false
  }
}
