import { isForGood } from '../../../errors.js'
import { isObserved, tellSeen } from '../../candidates.js'
import type { Watched } from '../../path-watcher.js'
import type { ObserveListener, Sighting, Watch } from '../../store.js'
import { ToldPaths } from '../../told-paths.js'
import type { Endpoint } from '../connection/endpoint.js'
import { Endpoints } from '../connection/failover.js'
import { CompactedError, PermissionError } from '../errors.js'
import { keysOf } from '../keys.js'
import { PrefixReader } from './prefix-reader.js'
import { WatchConnection } from './watch-connection.js'
import type { WatchStream } from './watch-stream.js'

const READ_WITHIN_MS = 5_000
const BACKOFF = { firstMs: 100, longestMs: 1_000 }

/** Tells what stands at all paths that begin alike, and every change from then on, until it is closed. */
export class PrefixObserver implements Watch {
  readonly #endpoints: Endpoints
  readonly #listener: ObserveListener
  readonly #watched: Watched & { next: number }
  readonly #isObserved: (path: string) => boolean
  readonly #told = new ToldPaths()
  readonly #reader: PrefixReader
  readonly #connection: WatchConnection
  /** Up to which revision each path is still to be told before all that was missed has been. */
  #missing: Map<string, number> | null = null
  /** The latest revision as of which it was told what stands there. */
  #toldAsOf = 0
  /** Whether all that is before `next` has been told. */
  #isRead = false
  #isKnown = false
  readonly #closing = new AbortController()
  /** Attempts that failed since the last that did not. */
  #attempt = 0

  /** @param prefix What the paths begin with; empty for all there are. */
  constructor(endpoints: readonly Endpoint[], prefix: string, listener: ObserveListener) {
    this.#endpoints = new Endpoints(endpoints)
    this.#listener = listener
    this.#isObserved = (path) => isObserved(path, prefix, listener)
    this.#reader = new PrefixReader(this.#endpoints, prefix, this.#isObserved, this.#closing.signal)
    this.#watched = {
      path: prefix,
      isPrefix: true,
      isDenied: false,
      next: 0,
      start: 0,
      take: (path, sighting) => this.#take(path, sighting),
    }
    this.#connection = new WatchConnection(this.#endpoints, {
      doing: `watching ${prefix}`,
      backoff: BACKOFF,
      isNeeded: () => !this.#isClosed,
      prepare: () => this.#prepare(),
      opened: (stream) => {
        this.#missing = null
        stream.create(this.#watched)
      },
      failed: (error) => this.#failed(error),
      compacted: (_watched, _revision, stream) => this.#readAgain(stream),
      early: () => this.#recover(),
      late: (_watched, stream) => void this.#verify(stream),
      denied: (_watched, error, stream) => this.#deny(stream, error),
    })
    this.#endpoints.history.onReplaced(() => {
      this.#forget()
      this.#connection.reopen()
    })
    this.#connection.open()
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  close(): void {
    this.#closing.abort()
    this.#connection.close()
    this.#endpoints.closeIdle()
  }

  /** Tells what stands there, unless it is known that nothing was missed. */
  async #prepare(): Promise<void> {
    // To be connected can show that what was read is of another history.
    await this.#endpoints.current()
    if (this.#isRead) await this.#checkHistory()
    if (!this.#isRead) await this.#read()
  }

  /** Tells the difference between what was told and what is, as of one revision. */
  async #read(): Promise<void> {
    const found = new Set<string>()
    let isRefuted = false
    const revision = await this.#reader.read(0, (path, entry) => {
      found.add(path)
      if (!isRefuted && this.#told.isRefutedBy(path, entry)) {
        isRefuted = true
        this.#told.distrust()
      }
      this.#tell(path, { entry, revision: entry.revision })
    })
    if (this.#isClosed) return
    // What came before that is news as well.
    if (isRefuted) return await this.#read()
    this.#watched.next = revision + 1
    this.#toldAsOf = revision
    this.#isRead = true
    for (const path of this.#told.vacatedIn(found)) this.#tell(path, { entry: null, revision })
    if (this.#isKnown || this.#isClosed) return
    this.#isKnown = true
    this.#listener.known()
  }

  /**
   * Looks whether what was told stood there at that revision. A history that was replaced may have
   * grown beyond what was known of the one before: then no revision shows it.
   */
  async #checkHistory(): Promise<void> {
    try {
      let told = 0
      let isAsTold = true
      await this.#reader.read(this.#toldAsOf, (path, entry) => {
        told += 1
        isAsTold &&= this.#told.isTold(path, entry)
      })
      if (!isAsTold || told !== this.#told.size) this.#forget()
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error
      this.#isRead = false
    }
  }

  #take(path: string, sighting: Sighting): void {
    // Not the next one: there may be more of the same revision on its way.
    this.#watched.next = Math.max(this.#watched.next, sighting.revision)
    this.#toldAsOf = Math.max(this.#toldAsOf, sighting.revision)
    if (!this.#isObserved(path)) return
    this.#tell(path, sighting)
    const missing = this.#missing?.get(path)
    if (missing === undefined || sighting.revision < missing) return
    this.#missing?.delete(path)
    this.#recoverWhenWhole()
  }

  /** What was told already is not told again. */
  #tell(path: string, sighting: Sighting): void {
    if (!this.#isClosed && this.#told.take(path, sighting)) tellSeen(this.#listener, path, sighting)
  }

  /** See GapReader: a watch may begin with a gap when etcd has just forgotten what was before. */
  async #verify(stream: WatchStream): Promise<void> {
    const before = this.#watched.start - 1
    const isWhole =
      before < 1 ||
      (await this.#endpoints
        .run('reading', { timeoutMs: READ_WITHIN_MS }, (client, options) =>
          client.kv.range(
            { key: keysOf(client).of('locked'), revision: before, keys_only: true },
            options,
          ),
        )
        .then(
          () => true,
          // Not being allowed to read that key is an answer.
          (thrown) => thrown instanceof PermissionError,
        ))
    if (!isWhole) this.#readAgain(stream)
    else if (this.#attempt > 0) await this.#expectHistory(stream)
  }

  /** etcd confirms a watch first, and then tells what was before: how much, only a read can say. */
  async #expectHistory(stream: WatchStream): Promise<void> {
    const found = new Map<string, number>()
    let asOf: number
    try {
      asOf = await this.#reader.read(0, (path, entry) => {
        found.set(path, entry.revision)
      })
    } catch {
      // Reading it all again, and telling the difference, answers it for sure.
      this.#isRead = false
      this.#readAgain(stream)
      return
    }
    if (this.#connection.stream !== stream) return
    this.#missing = this.#told.missingOf(found, asOf)
    this.#recoverWhenWhole()
  }

  #recoverWhenWhole(): void {
    if (this.#missing?.size !== 0) return
    this.#missing = null
    this.#recover()
  }

  /** A login that has expired can look like a permission that is missing: a read tells which it is. */
  #deny(stream: WatchStream, error: Error): void {
    if (this.#connection.stream !== stream) return
    const isFirst = !this.#watched.isDenied
    this.#watched.isDenied = true
    if (isFirst) this.#readAgain(stream)
    else this.#connection.replace(stream, error)
  }

  /** What was told is of a history that is over. */
  #forget(): void {
    this.#told.distrust()
    this.#isRead = false
  }

  #readAgain(stream: WatchStream): void {
    if (this.#connection.stream !== stream) return
    this.#isRead = false
    this.#connection.replace(stream)
  }

  #recover(): void {
    if (this.#attempt === 0) return
    this.#attempt = 0
    this.#listener.recovered()
  }

  #failed(error: Error): void {
    if (isForGood(error)) {
      this.close()
      this.#listener.refused(error)
      return
    }
    this.#connection.retry(this.#attempt + 1)
    // What was being read is no longer kept, or is read in smaller pages from now on: that is no trouble.
    if (error instanceof CompactedError) return
    if (/larger than max/i.test(error.message) && this.#reader.readLess()) return
    this.#attempt += 1
    this.#listener.retrying(error, this.#attempt)
  }
}
