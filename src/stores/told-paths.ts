import { createHash } from 'node:crypto'
import type { Entry, Sighting } from './store.js'

/** As much of a hash as a number can hold. */
const PRINT_BYTES = 6
/** No entry has it. */
const NO_PRINT = -1

/** What stood at paths at a revision. */
export interface Picture {
  readonly found: ReadonlyMap<string, Entry>
  readonly revision: number
}

interface Told {
  readonly revision: number
  /** Tells one entry from another, in whatever history. */
  readonly print: number
}

/** What was told of each path that is not vacant. */
export class ToldPaths {
  readonly #told = new Map<string, Told>()

  /** Remembers that it is told, if it is news. Returns whether it is. */
  take(path: string, { entry, revision }: Sighting): boolean {
    const told = this.#told.get(path)
    if (told === undefined ? entry === null : told.revision >= revision) return false
    if (entry === null) this.#told.delete(path)
    else this.#told.set(path, { revision, print: printOf(entry) })
    return true
  }

  get paths(): readonly string[] {
    return [...this.#told.keys()]
  }

  /** Of another history no revision says anything: all that stands there is news. */
  distrust(): void {
    for (const path of this.#told.keys()) this.#told.set(path, { revision: 0, print: NO_PRINT })
  }

  get size(): number {
    return this.#told.size
  }

  /** Whether that is what was told of the path. */
  isTold(path: string, entry: Entry): boolean {
    return this.#told.get(path)?.print === printOf(entry)
  }

  /** Whether something else was told of the path at a revision that was as high, or higher. */
  isRefutedBy(path: string, entry: Entry): boolean {
    const told = this.#told.get(path)
    return told !== undefined && entry.revision <= told.revision && told.print !== printOf(entry)
  }

  /** Paths that were told to be held, and are not among these. */
  vacatedIn(found: { has(path: string): boolean }): readonly string[] {
    return [...this.#told.keys()].filter((path) => !found.has(path))
  }

  /** What is not told yet of what stood there at `asOf`, by its revisions: up to which revision, by path. */
  missingOf(found: ReadonlyMap<string, number>, asOf: number): Map<string, number> {
    const missing = new Map<string, number>()
    for (const [path, { revision }] of this.#told) {
      if (!found.has(path) && revision <= asOf) missing.set(path, revision + 1)
    }
    for (const [path, revision] of found) {
      if ((this.#told.get(path)?.revision ?? 0) < revision) missing.set(path, revision)
    }
    return missing
  }
}

/** A number, and not the text itself, or a text: there may be very many of them. */
function printOf(entry: Entry): number {
  const { text, token, revision, lease } = entry
  return createHash('sha256')
    .update(`${revision} ${token} ${lease} ${text}`)
    .digest()
    .readUIntBE(0, PRINT_BYTES)
}
