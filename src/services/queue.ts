import type { Candidate } from '../stores/store.js'

/**
 * Who waits, as a leader has been told. A hint that saves it the question when it stops: a hand-over
 * compares what it installs.
 */
export class Queue {
  #isKnown = false
  /** In the order in which they entered; `null` for nobody, as most of thousands of leaders have it. */
  #present: Map<string, Candidate> | null = null
  #knownUpTo = 0

  /** In the order in which they entered; `null` when that is not known. */
  get waiting(): readonly Candidate[] | null {
    return this.#isKnown ? [...(this.#present?.values() ?? [])] : null
  }

  /** The revision up to which nobody entered without being known. */
  get knownUpTo(): number {
    return this.#knownUpTo
  }

  begin(waiting: readonly Candidate[], revision: number): void {
    this.#isKnown = true
    this.#present = null
    for (const candidate of waiting) this.#add(candidate)
    this.#knownUpTo = revision
  }

  entered(candidate: Candidate): void {
    if (this.#isKnown) this.#add(candidate)
    this.#knownUpTo = candidate.revision
  }

  left(instance: string): void {
    this.#present?.delete(instance)
  }

  lost(): void {
    this.#isKnown = false
    this.#present = null
  }

  #add(candidate: Candidate): void {
    this.#present ??= new Map()
    this.#present.set(candidate.instance, candidate)
  }
}
