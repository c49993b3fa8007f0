import { errorFrom, isForGood } from '../../../errors.js'
import type { Watched, Watcher } from '../../path-watcher.js'
import type { Sighting } from '../../store.js'

export interface GapTools {
  read(path: string): Promise<Sighting>
  /** Whether the history after `revision` is still kept in full. */
  remembers(revision: number): Promise<boolean>
}

const READ_AGAIN_MS = 500

/** Finds out how paths stand of which etcd has forgotten what happened. */
export class GapReader {
  readonly #tools: GapTools
  /** The reads on their way. */
  readonly #reading = new Map<Watcher, Promise<boolean>>()

  constructor(tools: GapTools) {
    this.#tools = tools
  }

  /**
   * Those of which something may have been forgotten.
   *
   * etcd takes a watch that starts at the very revision compacted to, although a deletion at that
   * revision is no longer in its history (seen with 3.4.23). So a watch that was confirmed when the
   * store had moved on already is only relied on once it is known that nothing was forgotten.
   */
  async doubtful(late: readonly Watched[]): Promise<readonly Watched[]> {
    const asked = late.map((watched) => ({ watched, start: watched.start }))
    const before = Math.min(...asked.map(({ start }) => start)) - 1
    try {
      if (before < 1 || (await this.#tools.remembers(before))) return []
    } catch {
      // Not known: reading answers it for sure.
    }
    return asked.flatMap(({ watched, start }) => (watched.start === start ? watched : []))
  }

  /** Reports the path as it is, since its history is gone. Resolves with whether that could be done. */
  read(watcher: Watcher): Promise<boolean> {
    const begun = this.#reading.get(watcher)
    if (begun !== undefined) return begun
    const reading = this.#readUntilKnown(watcher).finally(() => this.#reading.delete(watcher))
    this.#reading.set(watcher, reading)
    return reading
  }

  async #readUntilKnown(watcher: Watcher): Promise<boolean> {
    while (watcher.isWanted) {
      try {
        const { entry, revision } = await this.#tools.read(watcher.path)
        if (entry === null) watcher.report({ entry, revision })
        else if (entry.revision >= watcher.next) watcher.report({ entry, revision: entry.revision })
        else watcher.found({ entry, revision })
        watcher.skipTo(revision + 1)
        return true
      } catch (thrown) {
        const error = errorFrom(thrown)
        watcher.failed(error, 1)
        if (isForGood(error)) return false
        await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS))
      }
    }
    return false
  }
}
