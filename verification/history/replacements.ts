import type { HistoryEntry } from './history.js'

/** So long an old and a new leader may share once etcd accepts connections again. */
const LONGEST_SHARED_MS = 1_000

/** A time that two nodes led in. */
export interface Shared {
  readonly nodes: readonly [string, string]
  readonly at: number
  readonly until: number
}

interface Replacement {
  readonly since: number
  readonly at: number
}

/**
 * When the store's history was replaced, and what that excuses: tokens, and the revisions that a
 * node sees, begin anew once; and a leader of the old history may go on beside one of the new for
 * 1 s after etcd accepts connections again.
 */
export class Replacements {
  readonly #all: readonly Replacement[]

  constructor(entries: readonly HistoryEntry[]) {
    this.#all = entries
      .flatMap((entry) => (entry.kind === 'replaced' ? [entry] : []))
      .sort((a, b) => a.since - b.since)
  }

  /** Whether one of the two was elected in the old history, and the other one in the new. */
  excuse({ nodes, at, until }: Shared, entries: readonly HistoryEntry[]): boolean {
    const elections = nodes.flatMap((node) => electionOf(node, at, entries))
    if (elections.length < nodes.length) return false
    const first = Math.min(...elections)
    const second = Math.max(...elections)
    return this.#all.some(
      (replaced) =>
        first <= replaced.at &&
        second >= replaced.since &&
        until <= replaced.at + LONGEST_SHARED_MS,
    )
  }

  /** Whether the two times may lie in different histories. */
  part(one: number, other: number): boolean {
    const [first, second] = [Math.min(one, other), Math.max(one, other)]
    return this.#all.some(({ since, at }) => since <= second && first <= at + LONGEST_SHARED_MS)
  }

  histories(): Histories {
    return new Histories(this.#all)
  }
}

/** One history after the other, for something that grows within each of them. */
export class Histories {
  readonly #next: Replacement[]

  constructor(replacements: readonly Replacement[]) {
    this.#next = [...replacements]
  }

  /** Whether the next history has begun by then, although nothing has fallen. */
  hasBegun(at: number): boolean {
    const begun = this.#next.filter((next) => next.at + LONGEST_SHARED_MS < at)
    this.#next.splice(0, begun.length)
    return begun.length > 0
  }

  /** Whether what falls at that time begins the next history. It does so once for each. */
  begin(at: number): boolean {
    const [next] = this.#next
    if (next === undefined || at < next.since) return false
    this.#next.shift()
    return true
  }
}

/** When the node was last elected by then, if that is known. */
function electionOf(node: string, by: number, entries: readonly HistoryEntry[]): readonly number[] {
  const select = entries.findLast(
    ({ kind, node: elected, at }) => kind === 'select' && elected === node && at <= by,
  )
  return select === undefined ? [] : [select.at]
}
