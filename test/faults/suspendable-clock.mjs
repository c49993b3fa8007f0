// A clock that can be made to lose time, as the monotonic clock does in a machine that is suspended:
// its timers are late by as much afterwards.
export class SuspendableClock {
  #lostMs = 0
  #timers = new Set()

  now() {
    return performance.now() - this.#lostMs
  }

  wallNow() {
    return Date.now()
  }

  setTimeout(callback, delayMs) {
    const timer = { due: this.now() + delayMs, isLate: false, handle: undefined, onGone: [] }
    const wait = () => {
      const leftMs = timer.due - this.now()
      timer.handle = leftMs > 0 ? setTimeout(wait, leftMs) : setTimeout(run, 0)
    }
    const run = () => {
      try {
        callback()
      } finally {
        this.#forget(timer)
      }
    }
    this.#timers.add(timer)
    wait()
    return timer
  }

  clearTimeout(timer) {
    if (timer === undefined) return
    clearTimeout(timer.handle)
    this.#forget(timer)
  }

  /** Time that has passed already is lost: what was to run in it is late by now. */
  lose(ms) {
    for (const timer of this.#timers) timer.isLate ||= timer.due <= this.now()
    this.#lostMs += ms
  }

  /** Resolves once no timer is late any more: each has run, or is not wanted any more. */
  async caughtUp() {
    const late = [...this.#timers].filter(({ isLate }) => isLate)
    await Promise.all(late.map((timer) => new Promise((resolve) => timer.onGone.push(resolve))))
  }

  #forget(timer) {
    this.#timers.delete(timer)
    for (const resolve of timer.onGone) resolve()
  }
}
