import type { IKeyValue } from 'etcd3/lib/rpc.js'
import { UnreachableError } from '../../../errors.js'
import type { Entry } from '../../store.js'
import type { Endpoints } from '../connection/failover.js'
import { entryFrom } from '../entry.js'
import type { Mark } from '../history.js'
import { keysOf, rangeAfter, rangeOf } from '../keys.js'

const READ_WITHIN_MS = 5_000
/** The first page has so many keys; those that follow so many as make about as many bytes as that. */
const FIRST_PAGE = 500
const PAGE_BYTES = 500_000

/** Reads all paths that begin alike, page by page, as they were at one moment. */
export class PrefixReader {
  readonly #endpoints: Endpoints
  readonly #prefix: string
  readonly #isObserved: (path: string) => boolean
  readonly #signal: AbortSignal
  /** Of keys. */
  #mostInPage = Number.POSITIVE_INFINITY
  #tried = FIRST_PAGE

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
    if (this.#mostInPage === 1) return false
    this.#mostInPage = Math.ceil(Math.min(this.#mostInPage, this.#tried) / 4)
    return true
  }

  /**
   * Tells what stood there at `asOf`, or with 0 what stands there now: one path after the other, as all of
   * them together may be more than there is room for. Resolves with the revision.
   */
  async read(asOf: number, take: (path: string, entry: Entry) => void): Promise<number> {
    let revision = asOf
    let last: Buffer | null = null
    let mark: Mark | null = null
    let size = FIRST_PAGE
    for (;;) {
      this.#tried = Math.min(size, this.#mostInPage)
      const { kvs, header, more, keys } = await this.#page(last, revision, this.#tried)
      // All pages show the same moment, of one history.
      if (revision === 0) revision = Number(header.revision)
      if (mark === null) mark = this.#endpoints.history.mark
      else if (this.#endpoints.history.isReplacedSince(mark)) {
        throw new UnreachableError(`reading ${this.#prefix}: etcd’s history was replaced meanwhile`)
      }
      for (const kv of kvs) {
        const path = keys.pathAt(kv.key)
        if (path !== null && this.#isObserved(path)) take(path, entryFrom(kv))
      }
      const first = keys.of(this.#prefix)
      if (first.length > 0) this.#endpoints.mayRead(first)
      last = kvs.at(-1)?.key ?? null
      // etcd counts for each page all that comes after it: few large ones are read much sooner.
      size = Math.max(FIRST_PAGE, Math.floor((PAGE_BYTES * kvs.length) / bytesOf(kvs)))
      if (!more || last === null) return revision
      this.#signal.throwIfAborted()
    }
  }

  /** What comes after the key `last`. */
  #page(last: Buffer | null, revision: number, limit: number) {
    return this.#endpoints.run(
      `reading ${this.#prefix}`,
      { timeoutMs: READ_WITHIN_MS },
      async (client, options) => {
        const keys = keysOf(client)
        const all = rangeOf(keys.of(this.#prefix))
        const range = last === null ? all : rangeAfter(last, all)
        return { ...(await client.kv.range({ ...range, limit, revision }, options)), keys }
      },
    )
  }
}

function bytesOf(kvs: readonly IKeyValue[]): number {
  return kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 1)
}
