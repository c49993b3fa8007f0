import type { Candidate } from '../stores/store.js'

/**
 * Who waits, as a leader has been told. A hint that saves it the question when it stops: a hand-over
 * compares what it installs.
 */
export class Queue {
  /** In the order in which they entered; `null` when that is not known. */
  #waiting: Map<string, Candidate> | null = null
  #knownUpTo = 0

  get waiting(): readonly Candidate[] | null {
    return this.#waiting && [...this.#waiting.values()]
  }

  /** The revision up to which nobody entered without being known. */
  get knownUpTo(): number {
    return this.#knownUpTo
  }

  begin(waiting: readonly Candidate[], revision: number): void {
    this.#waiting = new Map(waiting.map((candidate) => [candidate.instance, candidate]))
    this.#knownUpTo = revision
  }

  entered(candidate: Candidate): void {
    this.#waiting?.set(candidate.instance, candidate)
    this.#knownUpTo = candidate.revision
  }

  left(instance: string): void {
    this.#waiting?.delete(instance)
  }

  lost(): void {
    this.#waiting = null
  }
}
