import { errorFrom, RefusedError } from '../../../errors.js'
import { Subscriber, type Watched, Watcher } from '../../path-watcher.js'
import type { Sighting, Watch, WatchListener } from '../../store.js'
import type { Endpoints } from '../connection/failover.js'
import { TokenError } from '../errors.js'
import { WatchGroup } from './prefix-group.js'
import { WatchConnection } from './watch-connection.js'
import type { WatchStream } from './watch-stream.js'

export interface WatchTools {
  read(path: string): Promise<Sighting>
  /** Whether one may read what is asked to be watched. Rejects when that cannot be known. */
  mayRead(watched: Watched): Promise<boolean>
  /** Whether the history after `revision` is still kept in full. */
  remembers(revision: number): Promise<boolean>
}

/** Requests are paced by the races for a member; a watch need not wait much longer than they do. */
const BACKOFF = { firstMs: 100, longestMs: 300 }
const READ_AGAIN_MS = 500
/** So many paths that begin alike are watched one by one; those that come after are grouped. */
const FEWEST_ALONE = 8
/** A group starts so many revisions early: claims that were made together are answered in any order. */
const EARLY_BY = 64

interface Prefix {
  /** Watchers with a watch of their own. */
  alone: number
  group: WatchGroup | null
  /** Others write there more than we do, or we may not watch it: its paths are not grouped. */
  isTooWide: boolean
}

/** All the watches of a store, on one stream. */
export class WatchHub {
  readonly #tools: WatchTools
  readonly #watchers = new Map<string, Watcher[]>()
  /** What the paths of watchers begin with, up to their last slash. */
  readonly #prefixes = new Map<string, Prefix>()
  readonly #connection: WatchConnection
  /** Attempts to connect that failed since etcd was last heard of. */
  #attempt = 0

  constructor(endpoints: Endpoints, tools: WatchTools) {
    this.#tools = tools
    this.#connection = new WatchConnection(endpoints, {
      doing: 'watching',
      backoff: BACKOFF,
      isNeeded: () => this.#watchers.size > 0,
      opened: (stream) => {
        for (const watched of this.#all()) stream.create(watched)
      },
      heard: () => {
        this.#attempt = 0
      },
      failed: (error) => this.#failed(error),
      compacted: (watched, revision) => void this.#resume(watched, revision),
      late: (watched) => void this.#verify(watched),
      denied: (watched, error, stream) => void this.#deny(watched, error, stream),
    })
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const watcher = this.#watcherFor(path, from)
    const subscriber = new Subscriber(watcher, from, listener, this.#forget)
    watcher.subscribers = watcher.subscribers.concat(subscriber)
    return subscriber
  }

  /** Ends the stream; watchers that are still there open a new one. */
  closeIdle(): void {
    if (this.#watchers.size > 0) return
    this.#prefixes.clear()
    this.#connection.close()
    this.#attempt = 0
  }

  /** One watcher serves all nodes on a path, unless one needs what it has passed already. */
  #watcherFor(path: string, from: number): Watcher {
    const watchers = this.#watchers.get(path) ?? []
    for (const watcher of watchers) if (from >= watcher.next) return watcher
    const watcher = new Watcher(path, from)
    this.#watchers.set(path, watchers.concat(watcher))
    const prefix = this.#prefixOf(path)
    const group = this.#groupFor(path, from)
    if (group !== null) group.join(watcher)
    else {
      prefix.alone += 1
      this.#create(watcher)
    }
    return watcher
  }

  #prefixOf(path: string): Prefix {
    const name = beginningOf(path)
    const prefix = this.#prefixes.get(name) ?? { alone: 0, group: null, isTooWide: name === '' }
    this.#prefixes.set(name, prefix)
    return prefix
  }

  #groupFor(path: string, from: number): WatchGroup | null {
    const prefix = this.#prefixOf(path)
    if (prefix.group === null && prefix.alone >= FEWEST_ALONE && !prefix.isTooWide) {
      const group: WatchGroup = new WatchGroup(
        beginningOf(path),
        Math.max(1, from - EARLY_BY),
        (one) => this.#watchers.get(one) ?? [],
        () => this.#dissolve(group),
      )
      prefix.group = group
      this.#create(group)
    }
    return prefix.group?.canServe(from) ? prefix.group : null
  }

  #create(watched: Watched): void {
    const { stream } = this.#connection
    if (stream === null) this.#connection.open()
    else stream.create(watched)
  }

  readonly #forget = (watcher: Watcher): void => {
    const { path, group } = watcher
    const others = this.#watchers.get(path)?.filter((one) => one !== watcher) ?? []
    if (others.length === 0) this.#watchers.delete(path)
    else this.#watchers.set(path, others)
    const prefix = this.#prefixOf(path)
    if (group === null) {
      prefix.alone -= 1
      this.#connection.stream?.cancel(watcher)
    } else {
      group.leave(watcher)
      if (group.size === 0) this.#close(group)
    }
    // That it is too wide is remembered.
    if (prefix.alone === 0 && prefix.group === null && !prefix.isTooWide) {
      this.#prefixes.delete(beginningOf(path))
    }
  }

  #close(group: WatchGroup): void {
    this.#prefixOf(group.path).group = null
    group.close()
    this.#connection.stream?.cancel(group)
  }

  /** From now on each of its paths has a watch of its own. */
  #dissolve(group: WatchGroup): void {
    this.#close(group)
    const prefix = this.#prefixOf(group.path)
    prefix.isTooWide = true
    for (const watcher of this.#watchersOf(group)) {
      group.leave(watcher)
      watcher.next = Math.max(watcher.next, group.next)
      prefix.alone += 1
      this.#create(watcher)
    }
  }

  #failed(error: Error): void {
    this.#attempt += 1
    this.#connection.retry(this.#attempt)
    const refused = error instanceof RefusedError
    for (const watcher of this.#allWatchers()) {
      for (const { listener } of [...watcher.subscribers]) {
        if (refused) listener.refused(error)
        else listener.retrying(error, this.#attempt)
      }
    }
  }

  /**
   * etcd checks the token that a stream was opened with whenever it is asked to watch something more.
   * When that token has expired meanwhile, some versions of etcd say the same as when permission is
   * denied. A read tells which it is, and has the client log in again for the next stream.
   */
  async #deny(
    watched: Watched,
    error: RefusedError | TokenError,
    stream: WatchStream,
  ): Promise<void> {
    const isFirst = !watched.isDenied
    watched.isDenied = true
    try {
      if (isFirst && (await this.#tools.mayRead(watched))) {
        this.#connection.replace(stream)
        return
      }
      if (error instanceof TokenError) throw error
    } catch (thrown) {
      watched.isDenied = false
      this.#connection.replace(stream, errorFrom(thrown))
      return
    }
    if (watched instanceof WatchGroup) {
      if (this.#prefixOf(watched.path).group === watched) this.#dissolve(watched)
    } else if (watched instanceof Watcher && watched.subscribers.length > 0) {
      this.#forget(watched)
      for (const { listener } of [...watched.subscribers]) listener.refused(error)
    }
  }

  #allWatchers(): Watcher[] {
    return [...this.#watchers.values()].flat()
  }

  #watchersOf(watched: Watched): Watcher[] {
    if (watched instanceof Watcher) return [watched]
    return this.#allWatchers().filter(({ group }) => group === watched)
  }

  /** All that etcd is to be asked to watch. */
  #all(): Watched[] {
    const groups = [...this.#prefixes.values()].flatMap(({ group }) => group ?? [])
    return [...groups, ...this.#allWatchers().filter(({ group }) => group === null)]
  }

  /**
   * etcd takes a watch that starts at the very revision compacted to, although a deletion at that
   * revision is no longer in its history (seen with 3.4.23). So a watch that was confirmed when the
   * store had moved on already is only relied on once it is known that nothing was forgotten.
   */
  async #verify(late: readonly Watched[]): Promise<void> {
    const asked = late.map((watched) => ({ watched, start: watched.start }))
    const before = Math.min(...asked.map(({ start }) => start)) - 1
    try {
      if (before < 1 || (await this.#tools.remembers(before))) return
    } catch {
      // Not known: reading answers it for sure.
    }
    const doubtful = asked.filter(({ watched, start }) => watched.start === start)
    await Promise.all(
      doubtful
        .flatMap(({ watched }) => this.#watchersOf(watched))
        .map((watcher) => this.#readAgain(watcher)),
    )
  }

  /** Goes on after etcd ended a watch because it has forgotten what was before `revision`. */
  async #resume(watched: Watched, revision: number): Promise<void> {
    const behind = this.#watchersOf(watched).filter(({ next }) => next <= revision)
    if (watched instanceof WatchGroup) {
      // What comes next is not missed while its paths are read.
      watched.skipTo(revision + 1)
      this.#connection.stream?.create(watched)
    }
    const known = await Promise.all(behind.map((watcher) => this.#readAgain(watcher)))
    if (watched instanceof Watcher && known.every(Boolean)) this.#connection.stream?.create(watched)
  }

  /** Reports the path as it is, since its history is gone. Resolves with whether that could be done. */
  #readAgain(watcher: Watcher): Promise<boolean> {
    watcher.reading ??= this.#readUntilKnown(watcher).finally(() => {
      watcher.reading = null
    })
    return watcher.reading
  }

  async #readUntilKnown(watcher: Watcher): Promise<boolean> {
    while (watcher.subscribers.length > 0) {
      try {
        const { entry, revision } = await this.#tools.read(watcher.path)
        if (entry === null) watcher.report({ entry, revision })
        else if (entry.revision >= watcher.next) watcher.report({ entry, revision: entry.revision })
        else watcher.found({ entry, revision })
        watcher.next = Math.max(watcher.next, revision + 1)
        return true
      } catch (thrown) {
        const error = errorFrom(thrown)
        for (const { listener } of [...watcher.subscribers]) {
          if (error instanceof RefusedError) listener.refused(error)
          else listener.retrying(error, 1)
        }
        if (error instanceof RefusedError) return false
        await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS))
      }
    }
    return false
  }
}

/** What a path begins with, up to its last slash; empty where there is none. */
function beginningOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
