import type { Clock } from '../../src/clock.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'

/** The clocks of one simulated process: a little fast or slow, and it can be made to stand still. */
export class ProcessClock implements Clock {
  readonly #base: VirtualClock
  readonly #rate: number
  #suspendedMs = 0
  #jumpedMs = 0
  #stalled = false
  #due: (() => void)[] = []

  /** `rate` is how much of this process's time passes in a unit of real time. */
  constructor(base: VirtualClock, rate: number) {
    this.#base = base
    this.#rate = rate
  }

  now(): number {
    return (this.#base.now() - this.#suspendedMs) * this.#rate
  }

  wallNow(): number {
    return this.#base.now() * this.#rate + this.#jumpedMs
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer: { base: unknown } = { base: null }
    const fire = () => {
      if (timer.base === null) return
      if (this.#stalled) this.#due.push(fire)
      else {
        timer.base = null
        callback()
      }
    }
    timer.base = this.#base.setTimeout(fire, delayMs / this.#rate)
    return timer
  }

  clearTimeout(timer: unknown): void {
    if (typeof timer !== 'object' || timer === null || !('base' in timer)) return
    this.#base.clearTimeout(timer.base)
    timer.base = null
  }

  /** The wall clock is set. */
  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  get isStalled(): boolean {
    return this.#stalled
  }

  /** No timer of this process runs any more, as when it is stopped by a signal. */
  stall(): void {
    this.#stalled = true
  }

  /** Goes on. If the whole machine slept for `sleptMs`, its monotonic clock stood still for so long. */
  wake(sleptMs = 0): void {
    this.#suspendedMs += sleptMs
    this.#stalled = false
    for (const fire of this.#due.splice(0)) fire()
  }
}
