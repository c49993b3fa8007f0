import { type Clock, systemClock } from '../../clock.js'

/** The system’s clock, whose wall clock can be set forward. */
export class JumpingClock implements Clock {
  readonly now = systemClock.now
  readonly setTimeout = systemClock.setTimeout
  readonly clearTimeout = systemClock.clearTimeout
  #aheadMs = 0

  wallNow(): number {
    return systemClock.wallNow() + this.#aheadMs
  }

  jump(byMs: number): void {
    this.#aheadMs += byMs
  }
}
