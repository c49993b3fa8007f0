import { createHash } from 'node:crypto'
import type { Entry, Sighting } from './store.js'

/** What stood at paths at a revision. */
export interface Picture {
  readonly found: ReadonlyMap<string, Entry>
  readonly revision: number
}

interface Told {
  readonly revision: number
  /** Tells one entry from another, in whatever history. */
  readonly print: string
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
    for (const path of this.#told.keys()) this.#told.set(path, { revision: 0, print: '' })
  }

  /** Whether that is what was told, and all of it. */
  isAs({ found }: Picture): boolean {
    return (
      found.size === this.#told.size &&
      [...this.#told].every(([path, { print }]) => print === printOf(found.get(path)))
    )
  }

  /** Whether something else was told of a revision than what that shows. */
  isRefutedBy({ found }: Picture): boolean {
    return [...found].some(([path, entry]) => {
      const told = this.#told.get(path)
      return told && entry.revision <= told.revision && told.print !== printOf(entry)
    })
  }

  /** Paths that were told to be held, and are vacant there. */
  vacatedIn({ found }: Picture): readonly string[] {
    return [...this.#told.keys()].filter((path) => !found.has(path))
  }

  /** What is not told yet of what that shows: up to which revision, by path. */
  missingOf({ found, revision: asOf }: Picture): Map<string, number> {
    const missing = new Map<string, number>()
    for (const [path, { revision }] of this.#told) {
      if (!found.has(path) && revision <= asOf) missing.set(path, revision + 1)
    }
    for (const [path, { revision }] of found) {
      if ((this.#told.get(path)?.revision ?? 0) < revision) missing.set(path, revision)
    }
    return missing
  }
}

/** Not the text itself: there may be many of them, and each may be long. */
function printOf(entry: Entry | undefined): string {
  if (entry === undefined) return ''
  const { text, token, revision, lease } = entry
  const digest = createHash('sha256').update(text).digest('base64')
  return `${revision} ${token} ${lease} ${digest}`
}
