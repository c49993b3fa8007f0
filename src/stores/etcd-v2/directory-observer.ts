import { backoff } from '../../../machines/backoff.js'
import { sleep, systemClock } from '../../clock.js'
import { RefusedError } from '../../errors.js'
import { isCandidateEntry } from '../candidates.js'
import type { Entry, ObserveListener, Sighting, Watch } from '../store.js'
import { type Picture, ToldPaths } from '../told-paths.js'
import { treeEventOf, type V2Node, type V2TreeEvent } from './answers.js'
import type { Calls } from './calls.js'
import { CLEARED, errorOf, isNo } from './errors.js'

interface Means {
  readonly calls: Calls
  /** What stands at a path, by its node. */
  entry(path: string, node: V2Node): Entry
  /** Called when it is closed. */
  left(): void
}

const READ_WITHIN_MS = 5_000
/** A wait that has brought nothing for so long may be on a connection that has frozen: a read tells. */
const SILENT_MS = 5_000
const BACKOFF = { firstMs: 100, longestMs: 1_000 }

/**
 * Tells what stands at all paths that begin alike, and every change from then on, until it is closed.
 * v2 keeps paths as files in directories: the deepest one that the prefix names is read and waited for,
 * with all that is below it. Each path is told as v2 spells it, with a slash before it. v2 shows nothing
 * of files and directories whose names begin with `_`, and asks for permission to read that directory
 * (for `/jobs/` a role needs `/jobs*`).
 */
export class DirectoryObserver implements Watch {
  readonly #means: Means
  readonly #prefix: string
  readonly #directory: string
  readonly #listener: ObserveListener
  readonly #told = new ToldPaths()
  /** Aborted when what was begun in this life no longer counts. */
  #life = new AbortController()
  #next = 0
  /** Whether all that is before `next` has been told. */
  #isRead = false
  #isKnown = false
  /** Attempts that failed since the last read that did not. */
  #attempt = 0
  #isClosed = false

  constructor(means: Means, prefix: string, listener: ObserveListener) {
    this.#means = means
    this.#prefix = prefix.startsWith('/') ? prefix : `/${prefix}`
    this.#directory = this.#prefix.slice(0, this.#prefix.lastIndexOf('/'))
    this.#listener = listener
    this.#begin()
  }

  /** The history was replaced by another: all that stands there is news. */
  beginAnew(): void {
    this.#life.abort()
    this.#told.distrust()
    this.#isRead = false
    this.#life = new AbortController()
    this.#begin()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#life.abort()
    this.#means.left()
  }

  #begin(): void {
    const { signal } = this.#life
    // A listener hears nothing inside the call that makes it one.
    queueMicrotask(() => void this.#follow(signal))
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { calls } = this.#means
    while (!signal.aborted) {
      try {
        // Nobody sees whether a wait has reached etcd at all.
        if (!this.#isRead || !calls.isHeard) await this.#read(signal)
        if (!signal.aborted) await this.#wait(signal)
      } catch (thrown) {
        if (signal.aborted) return
        const error = errorOf(`watching ${this.#prefix}`, thrown, false)
        if (error instanceof RefusedError) {
          this.close()
          this.#listener.refused(error)
          return
        }
        this.#isRead = false
        this.#attempt += 1
        this.#listener.retrying(error, this.#attempt)
        await sleep(systemClock, backoff(this.#attempt, BACKOFF), signal)
      }
    }
  }

  /** Tells the difference between what was told and what is. */
  async #read(signal: AbortSignal): Promise<void> {
    const { calls } = this.#means
    // What follows that index is told again, if the answer does not say how far the store has come.
    const { index: known } = calls.known
    const call = { timeoutMs: READ_WITHIN_MS }
    const { found: nodes, index } = await calls.getAll(this.#directory, call)
    if (signal.aborted) return
    const { found, revision } = this.#pictureOf(nodes, index ?? known)
    if ([...found].some(([path, entry]) => this.#told.isRefutedBy(path, entry))) {
      this.#told.distrust()
    }
    this.#next = revision + 1
    this.#isRead = true
    for (const path of this.#told.vacatedIn(found)) this.#tell(path, { entry: null, revision })
    for (const [path, entry] of found) this.#tell(path, { entry, revision: entry.revision })
    if (signal.aborted) return
    const [wasKnown, attempt] = [this.#isKnown, this.#attempt]
    this.#isKnown = true
    this.#attempt = 0
    if (!wasKnown) this.#listener.known()
    else if (attempt > 0) this.#listener.recovered()
  }

  #pictureOf(nodes: ReadonlyMap<string, V2Node>, revision: number): Picture {
    const found = new Map<string, Entry>()
    for (const [path, node] of nodes) {
      if (this.#isObserved(path)) found.set(path, this.#means.entry(path, node))
    }
    return { found, revision }
  }

  /** Tells the next event, if there is one before long. */
  async #wait(signal: AbortSignal): Promise<void> {
    const wait = { path: this.#directory, from: this.#next, recursive: true }
    try {
      const call = { timeoutMs: SILENT_MS }
      const event = await this.#means.calls.wait(wait, call, signal, treeEventOf)
      if (signal.aborted) return
      if (event === null) this.#isRead = false
      else this.#take(event)
    } catch (thrown) {
      if (!isNo(thrown, CLEARED)) throw thrown
      this.#isRead = false
    }
  }

  #take({ path, node, index: revision, isDirectory }: V2TreeEvent): void {
    this.#next = Math.max(this.#next, revision + 1)
    if (isDirectory) {
      // Where one was made a file may have stood, and with one goes all that was in it.
      const gone = this.#told.paths.filter(
        (told) => told === path || (node === null && told.startsWith(`${path}/`)),
      )
      for (const told of gone) this.#tell(told, { entry: null, revision })
    } else if (this.#isObserved(path)) {
      this.#tell(path, { entry: node && this.#means.entry(path, node), revision })
    }
  }

  #isObserved(path: string): boolean {
    return path.startsWith(this.#prefix) && !isCandidateEntry(path)
  }

  #tell(path: string, sighting: Sighting): void {
    if (!this.#isClosed && this.#told.take(path, sighting)) this.#listener.seen(path, sighting)
  }
}
