import { describe } from '../arguments.js'
import type { Clock } from '../clock.js'
import { contained } from './contained.js'

/** A timer, on the clock that was given or, if that refuses it, on the system’s. */
class Timer {
  /** What the given clock’s `clearTimeout` takes. */
  given: unknown
  system: NodeJS.Timeout | null = null
  isOver = false
}

/**
 * A clock that somebody has given. Its faults are not the election’s: where it cannot tell the time,
 * the time is `NaN`, by which nothing is valid; a timer that it refuses runs on the system’s clock; and a
 * callback is called once, never inside of `setTimeout`, and never after it was cleared. What fails is tried once more
 * first, so that a fault in passing is none.
 */
export class ContainedClock implements Clock {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#tell(() => finite('now', this.#clock.now()))
  }

  wallNow(): number {
    return this.#tell(() => finite('wallNow', this.#clock.wallNow()))
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = new Timer()
    let isSetting = true
    const fire = () => {
      if (timer.isOver) return
      if (isSetting) {
        queueMicrotask(fire)
        return
      }
      timer.isOver = true
      contained('timer', callback)
    }
    // A delay that was reckoned from a time that nobody could tell.
    const ms = Number.isNaN(delayMs) ? 0 : delayMs
    const set = () => {
      timer.given = this.#clock.setTimeout(fire, ms)
      return true
    }
    const isSet = contained('clock', set) ?? contained('clock', set) ?? false
    if (!isSet) timer.system = setTimeout(fire, ms)
    isSetting = false
    return timer
  }

  clearTimeout(timer: unknown): void {
    if (!(timer instanceof Timer) || timer.isOver) return
    timer.isOver = true
    if (timer.system !== null) clearTimeout(timer.system)
    else contained('clock', () => this.#clock.clearTimeout(timer.given))
  }

  #tell(ask: () => number): number {
    return contained('clock', ask) ?? contained('clock', ask) ?? Number.NaN
  }
}

/** @throws TypeError unless `given` is a time. */
function finite(call: string, given: unknown): number {
  if (typeof given === 'number' && Number.isFinite(given)) return given
  throw new TypeError(
    `clock: ${call}() must return a number of ms, and returned ${describe(given)}`,
  )
}
