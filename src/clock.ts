/** The longest delay Node.js’s timers take, in milliseconds; they fire at once on a longer one. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * Time as a node sees it. All of it in milliseconds. Of one that an app gives, `now` and `wallNow` are
 * `NaN` while it cannot tell the time: whoever compares with them must believe nothing then.
 */
export interface Clock {
  /** The monotonic clock: never set, but stands still while the machine is suspended. */
  now(): number
  /** The wall clock: can be set, but goes on while the machine is suspended. */
  wallNow(): number
  /** Calls `callback` once, after `delayMs`. Returns what `clearTimeout` takes. */
  setTimeout(callback: () => void, delayMs: number): unknown
  /** The callback is not called any more. A timer that has fired already is no error. */
  clearTimeout(timer: unknown): void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout)
  },
}

/** Resolves after `delayMs`, or at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = () => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimeout(done, delayMs)
    signal.addEventListener('abort', done)
  })
}
