import type { CandidateNow, WaitingNow } from './protocol.js'

/** A page is told of so many candidates for a path, and how many there are besides. */
const MOST_TOLD = 20

interface Entered {
  readonly source: string
  /** Mostly one or two: of as many maps, each with little in it, most would be room for more. */
  readonly candidates: readonly CandidateNow[]
}

const NOBODY: Entered = { source: '', candidates: [] }

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
    const known = this.#entered.get(path)?.candidates ?? []
    const before = known.find(({ instance }) => instance === candidate.instance)
    const others = before === undefined ? known : known.filter((one) => one !== before)
    this.#entered.set(path, { source, candidates: others.concat([candidate]) })
    // What it would write may change without that.
    return before?.since !== candidate.since || before.id !== candidate.id
  }

  /** Returns whether it was there. */
  leave(path: string, instance: string): boolean {
    const { source, candidates } = this.#entered.get(path) ?? NOBODY
    const others = candidates.filter((one) => one.instance !== instance)
    if (others.length === candidates.length) return false
    if (others.length === 0) this.#entered.delete(path)
    else this.#entered.set(path, { source, candidates: others })
    return true
  }

  /** Who waits for `path`. What its holder has not taken away yet is no second candidacy. */
  of(path: string, holder: string | null): WaitingNow {
    const { source, candidates } = this.#entered.get(path) ?? NOBODY
    const waiting = candidates
      .filter(({ instance }) => instance !== holder)
      .sort((one, other) => one.since - other.since)
    const first = waiting.slice(0, MOST_TOLD)
    return { path, source, first, more: waiting.length - first.length }
  }
}
