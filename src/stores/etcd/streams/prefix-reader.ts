import { UnreachableError } from '../../../errors.js'
import type { Entry } from '../../store.js'
import type { Picture } from '../../told-paths.js'
import type { Endpoints } from '../connection/failover.js'
import { entryFrom } from '../entry.js'
import type { Mark } from '../history.js'
import { keysOf, rangeAfter, rangeOf } from '../keys.js'

const READ_WITHIN_MS = 5_000
const PAGE_SIZE = 500

/** Reads all paths that begin alike, page by page, as they were at one moment. */
export class PrefixReader {
  readonly #endpoints: Endpoints
  readonly #prefix: string
  readonly #isObserved: (path: string) => boolean
  readonly #signal: AbortSignal
  #pageSize = PAGE_SIZE

  /**
   * @param isObserved What of it is kept.
   * @param signal Ends reading, between two pages.
   */
  constructor(
    endpoints: Endpoints,
    prefix: string,
    isObserved: (path: string) => boolean,
    signal: AbortSignal,
  ) {
    this.#endpoints = endpoints
    this.#prefix = prefix
    this.#isObserved = isObserved
    this.#signal = signal
  }

  /** Reads smaller pages from now on. Returns `false` when they cannot be any smaller. */
  readLess(): boolean {
    if (this.#pageSize === 1) return false
    this.#pageSize = Math.ceil(this.#pageSize / 4)
    return true
  }

  /** What stood there at `asOf`, or what stands there now. */
  async read(asOf = 0): Promise<Picture> {
    const found = new Map<string, Entry>()
    let revision = asOf
    let last: Buffer | null = null
    let mark: Mark | null = null
    for (;;) {
      const { kvs, header, more, keys } = await this.#page(last, revision)
      // All pages show the same moment, of one history.
      if (revision === 0) revision = Number(header.revision)
      if (mark === null) mark = this.#endpoints.history.mark
      else if (this.#endpoints.history.isReplacedSince(mark)) {
        throw new UnreachableError(`reading ${this.#prefix}: etcd’s history was replaced meanwhile`)
      }
      for (const kv of kvs) {
        const path = keys.pathAt(kv.key)
        if (path !== null && this.#isObserved(path)) found.set(path, entryFrom(kv))
      }
      const first = keys.of(this.#prefix)
      if (first.length > 0) this.#endpoints.mayRead(first)
      last = kvs.at(-1)?.key ?? null
      if (!more || last === null) return { found, revision }
      this.#signal.throwIfAborted()
    }
  }

  /** What comes after the key `last`. */
  #page(last: Buffer | null, revision: number) {
    return this.#endpoints.run(
      `reading ${this.#prefix}`,
      { timeoutMs: READ_WITHIN_MS },
      async (client, options) => {
        const keys = keysOf(client)
        const all = rangeOf(keys.of(this.#prefix))
        const range = last === null ? all : rangeAfter(last, all)
        const limit = this.#pageSize
        return { ...(await client.kv.range({ ...range, limit, revision }, options)), keys }
      },
    )
  }
}
