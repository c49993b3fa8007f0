import type { Candidate } from '../stores/store.js'

/**
 * Who waits, as a leader has been told. A hint that saves it the question when it stops: a hand-over
 * compares what it installs.
 */
export class Queue {
  /** In the order in which they entered; `null` when that is not known. */
  #waiting: Map<string, Candidate> | null = null

  get waiting(): readonly Candidate[] | null {
    return this.#waiting && [...this.#waiting.values()]
  }

  begin(waiting: readonly Candidate[]): void {
    this.#waiting = new Map(waiting.map((candidate) => [candidate.instance, candidate]))
  }

  entered(candidate: Candidate): void {
    this.#waiting?.set(candidate.instance, candidate)
  }

  left(instance: string): void {
    this.#waiting?.delete(instance)
  }

  lost(): void {
    this.#waiting = null
  }
}
