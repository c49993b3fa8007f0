import type { Call } from '../store.js'

/** Time that several calls in a row share. */
export class Time {
  readonly #endsAt: number

  constructor({ timeoutMs }: Call) {
    this.#endsAt = performance.now() + timeoutMs
  }

  /** What is left for the next call. */
  get left(): Call {
    return { timeoutMs: Math.max(0, this.#endsAt - performance.now()) }
  }
}
