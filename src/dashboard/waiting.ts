import type { CandidateNow, WaitingNow } from './protocol.js'

/** A page is told of so many candidates for a path, and how many there are besides. */
const MOST_TOLD = 20

interface Entered {
  readonly source: string
  /** By instance. */
  readonly candidates: Map<string, CandidateNow>
}

/** Who waits for which path, by the entries beside it. */
export class Waiting {
  readonly #entered = new Map<string, Entered>()

  /** The paths that somebody waits for. */
  get paths(): Iterable<string> {
    return this.#entered.keys()
  }

  isFor(path: string): boolean {
    return this.#entered.has(path)
  }

  /** Returns whether that is news. */
  enter(source: string, path: string, candidate: CandidateNow): boolean {
    const entered = this.#entered.get(path)
    const candidates = entered?.candidates ?? new Map<string, CandidateNow>()
    const before = candidates.get(candidate.instance)
    if (entered?.source !== source) this.#entered.set(path, { source, candidates })
    candidates.set(candidate.instance, candidate)
    // What it would write may change without that.
    return before?.since !== candidate.since || before.id !== candidate.id
  }

  /** Returns whether it was there. */
  leave(path: string, instance: string): boolean {
    const candidates = this.#entered.get(path)?.candidates
    if (candidates?.delete(instance) !== true) return false
    if (candidates.size === 0) this.#entered.delete(path)
    return true
  }

  /** Who waits for `path`. What its holder has not taken away yet is no second candidacy. */
  of(path: string, holder: string | null): WaitingNow {
    const { source, candidates } = this.#entered.get(path) ?? { source: '', candidates: new Map() }
    const waiting = [...candidates.values()]
      .filter(({ instance }) => instance !== holder)
      .sort((one, other) => one.since - other.since)
    const first = waiting.slice(0, MOST_TOLD)
    return { path, source, first, more: waiting.length - first.length }
  }
}
