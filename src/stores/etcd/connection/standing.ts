import { backoff } from '../../../../machines/backoff.js'

/** Checking a password keeps etcd busy for a while. */
const PAUSE = { firstMs: 1_000, longestMs: 5_000 }

/** Whether etcd has let a client in, by its login or without one, at whichever member. */
export class Standing {
  #wasLetIn = false
  /** In a row. */
  #refusals = 0
  #refusal: unknown = null
  #asksAgainAt = 0

  /** Then a refusal is not the client's fault: etcd's operator has changed something. */
  get wasLetIn(): boolean {
    return this.#wasLetIn
  }

  letIn(): void {
    this.#wasLetIn = true
    this.#refusals = 0
  }

  /** Its login was refused. */
  refuse(refusal: unknown): void {
    this.#refusals += 1
    this.#refusal = refusal
    this.#asksAgainAt = performance.now() + backoff(this.#refusals, PAUSE)
  }

  /** @throws What it was told, while it is too early to ask again: many nodes would do so together. */
  assertDue(): void {
    if (!this.#wasLetIn || this.#refusals === 0) return
    if (performance.now() < this.#asksAgainAt) throw this.#refusal
  }
}
