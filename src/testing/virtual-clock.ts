import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../clock.js'

/** As it was when this file was loaded: test runners replace it, the one of its module as well. */
const immediate = nextTurn

interface Timer {
  readonly dueMs: number
  readonly callback: () => void
}

/**
 * A clock that moves only when told to. Timers that are due at the same time run in the order they
 * were set in; a delay is at least 1 ms, as in Node.js, so that no timer can stop time by setting
 * itself anew.
 */
export class VirtualClock implements Clock {
  #nowMs = 0
  #wallAheadMs: number
  #timers = new Map<unknown, Timer>()
  #timerCount = 0
  #advanced: Promise<void> = Promise.resolve()

  constructor(wallMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallAheadMs = wallMs
  }

  now(): number {
    return this.#nowMs
  }

  wallNow(): number {
    return this.#nowMs + this.#wallAheadMs
  }

  /** Calls `callback` once, when the clock has been moved on by `delayMs`. */
  setTimeout(callback: () => void, delayMs: number): unknown {
    this.#timerCount += 1
    this.#timers.set(this.#timerCount, {
      dueMs: this.#nowMs + Math.max(1, delayMs),
      callback,
    })
    return this.#timerCount
  }

  /** The callback is not called any more. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer)
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size
  }

  /**
   * Lets `ms` milliseconds pass on both clocks, and runs the timers that fall due, each at its time.
   * Before, between and after them every promise chain settles that waits for nothing but other
   * promises and timers of this clock; sockets, files and other threads are not waited for. Calls
   * that overlap run one after the other. Rejects with what a timer's callback throws.
   */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && Number.isFinite(ms))) {
      throw new RangeError(`advance: ms must be a finite number, 0 or more, and is ${ms}`)
    }
    const advanced = this.#advanced.then(() => this.#run(ms))
    this.#advanced = advanced.catch(() => {})
    return advanced
  }

  /** Sets the wall clock forward, or back when `ms` is negative. */
  jumpWall(ms: number): void {
    this.#wallAheadMs += ms
  }

  /** The machine sleeps for `ms` milliseconds: the wall clock goes on, the monotonic one stands still. */
  suspend(ms: number): void {
    this.#wallAheadMs += ms
  }

  async #run(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(untilMs); next !== null; next = this.#next(untilMs)) {
      const [handle, { dueMs, callback }] = next
      this.#timers.delete(handle)
      this.#nowMs = dueMs
      callback()
      await settle()
    }
    this.#nowMs = untilMs
    await settle()
  }

  #next(untilMs: number): [unknown, Timer] | null {
    let next: [unknown, Timer] | null = null
    for (const [handle, timer] of this.#timers) {
      if (timer.dueMs <= untilMs && (next === null || timer.dueMs < next[1].dueMs)) {
        next = [handle, timer]
      }
    }
    return next
  }
}

/**
 * Node.js runs its event loop's next phase only once no microtask is left, so one turn of
 * `setImmediate` outlasts promise chains of any length.
 */
async function settle(): Promise<void> {
  await immediate()
}
