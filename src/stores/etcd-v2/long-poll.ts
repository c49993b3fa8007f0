import type { Watcher } from '../path-watcher.js'
import type { Entry, Sighting } from '../store.js'

/** One path, followed by one wait after the other. */
export class LongPoll {
  readonly watcher: Watcher
  readonly #ending = new AbortController()
  /** What stood there when it was last known; `undefined` as long as it is not. */
  last: Entry | null | undefined
  /** Whether what stands there is still to be told, whatever it is. */
  isAnew: boolean

  constructor(watcher: Watcher, isAnew = false) {
    this.watcher = watcher
    this.isAnew = isAnew
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  tell(sighting: Sighting): void {
    if (sighting.revision < this.watcher.next) return
    this.last = sighting.entry
    this.watcher.report(sighting)
  }

  /** Whether that is what was last known. */
  knows(entry: Entry | null): boolean {
    if (this.last === undefined) return entry !== null && entry.revision < this.watcher.next
    return (
      this.last?.token === entry?.token &&
      this.last?.text === entry?.text &&
      this.last?.lease === entry?.lease
    )
  }

  /** Whether that stood there already when something else was last known to. */
  isRefutedBy(entry: Entry | null): boolean {
    if (this.last === undefined || entry === null || entry.revision >= this.watcher.next)
      return false
    return this.last?.token !== entry.token || this.last.text !== entry.text
  }

  end(): void {
    this.#ending.abort()
  }
}
