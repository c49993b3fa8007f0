import type { HistoryEntry } from '../history/history.js'

const PATH = '/simulated'

type Without<Entry, Keys extends string> = Entry extends unknown ? Omit<Entry, Keys> : never
/** What happened, without when and to whom. */
export type Detail = Without<HistoryEntry, 'at' | 'path' | 'node' | 'process'>

/**
 * What happened in a simulation. Each history of the store is given a path of its own, so that tokens
 * and revisions that begin anew are told from those that go back, and it is known exactly who led in
 * which.
 */
export class Recording {
  readonly #entries: HistoryEntry[] = []
  #newest = 0

  /** `history` is the one that the node knows. */
  write(at: number, history: number, node: string, detail: Detail): void {
    this.#newest = Math.max(this.#newest, history)
    this.#entries.push({ at, path: pathOf(history), node, process: node, ...detail })
  }

  /** What was written in one history can be seen in each that follows: backups bring it back. */
  get entries(): readonly HistoryEntry[] {
    const histories = Array.from({ length: this.#newest + 1 }, (_, history) => pathOf(history))
    return this.#entries.flatMap((entry) =>
      ['start', 'propose', 'wrote'].includes(entry.kind)
        ? histories.map((path) => ({ ...entry, path }))
        : [entry],
    )
  }
}

function pathOf(history: number): string {
  return history === 0 ? PATH : `${PATH} (history ${history})`
}
