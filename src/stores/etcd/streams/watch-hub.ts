import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '../../../../machines/backoff.js'
import { errorFrom, isForGood, type RefusedError } from '../../../errors.js'
import { type Watched, Watcher } from '../../path-watcher.js'
import type { CandidatesListener, Watch, WatchListener } from '../../store.js'
import type { Endpoints } from '../connection/failover.js'
import { PermissionError, TokenError } from '../errors.js'
import { CandidatesWatch } from './candidates-watch.js'
import { GapReader, type GapTools } from './gap-reader.js'
import { PrefixGroup } from './prefix-group.js'
import { PrefixGroups } from './prefix-groups.js'
import { WatchConnection } from './watch-connection.js'
import type { WatchStream } from './watch-stream.js'

export interface WatchTools extends GapTools {
  /** Whether one may read what is asked to be watched. Rejects when that cannot be known. */
  mayRead(watched: Watched): Promise<boolean>
}

/** Requests are paced by the races for a member; a watch need not wait much longer than they do. */
const BACKOFF = { firstMs: 100, longestMs: 300 }
/** How long it waits before it asks whether a path may be watched by now. */
const ALLOWED_BACKOFF = { firstMs: 500, longestMs: 2_000 }

/** All the watches of a store, on one stream. */
export class WatchHub {
  readonly #tools: WatchTools
  readonly #watchers = new Map<string, readonly Watcher[]>()
  readonly #connection: WatchConnection
  readonly #groups = new PrefixGroups({
    create: (watched) => {
      const { stream } = this.#connection
      if (stream === null) this.#connection.open()
      else stream.create(watched)
    },
    cancel: (watched) => this.#connection.stream?.cancel(watched),
  })
  readonly #gaps: GapReader
  /** Those with a watch of their own. */
  readonly #candidates = new Set<CandidatesWatch>()
  /** Attempts to connect that failed since etcd was last heard of. */
  #attempt = 0

  constructor(endpoints: Endpoints, tools: WatchTools) {
    this.#tools = tools
    this.#gaps = new GapReader(tools)
    this.#connection = new WatchConnection(endpoints, {
      doing: 'watching',
      backoff: BACKOFF,
      isNeeded: () => this.#isWatching,
      opened: (stream) => {
        for (const watched of this.#groups.watched) stream.create(watched)
        for (const watched of this.#candidates) stream.create(watched)
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
    return this.#watcherFor(path, from).subscribe(from, listener)
  }

  /** Tells what comes to stand beside `path`. Where that may not be watched, it is lost at once. */
  follow(path: string, from: number, listener: CandidatesListener): Watch {
    const watched = new CandidatesWatch(path, from, listener, this)
    const group = this.#groups.groupFor(watched)
    if (group !== null) group.follow(watched)
    else this.#followAlone(watched)
    return watched
  }

  unfollow(watched: CandidatesWatch): void {
    if (this.#groups.unfollow(watched)) return
    if (this.#candidates.delete(watched)) this.#connection.stream?.cancel(watched)
  }

  #followAlone(watched: CandidatesWatch): void {
    this.#candidates.add(watched)
    const { stream } = this.#connection
    if (stream === null) this.#connection.open()
    else stream.create(watched)
  }

  /** Ends the stream, unless there are watchers still. */
  closeIdle(): void {
    if (this.#isWatching) return
    this.#groups.clear()
    this.#connection.close()
    this.#attempt = 0
  }

  get #isWatching(): boolean {
    return this.#watchers.size > 0 || this.#candidates.size > 0
  }

  /** One watcher serves all nodes on a path, unless one needs what it has passed already. */
  #watcherFor(path: string, from: number): Watcher {
    const watchers = this.#watchers.get(path) ?? []
    for (const watcher of watchers) if (from >= watcher.next) return watcher
    const watcher = new Watcher(path, from, this.#forget)
    this.#watchers.set(path, watchers.concat(watcher))
    this.#groups.add(watcher)
    return watcher
  }

  readonly #forget = (watcher: Watcher): void => {
    const { path } = watcher
    const others = this.#watchers.get(path)?.filter((one) => one !== watcher) ?? []
    if (others.length === 0) this.#watchers.delete(path)
    else this.#watchers.set(path, others)
    this.#groups.remove(watcher)
  }

  /** Tells everybody what happened, and connects again after a while. */
  #failed(error: Error): void {
    this.#attempt += 1
    this.#connection.retry(this.#attempt)
    // Those that entered or left meanwhile are found by asking.
    for (const watched of [...this.#candidates]) this.#lose(watched)
    this.#groups.loseFollowers()
    for (const watcher of [...this.#watchers.values()].flat()) watcher.failed(error, this.#attempt)
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
    if (watched instanceof CandidatesWatch) this.#lose(watched)
    else if (watched instanceof PrefixGroup) this.#groups.dissolve(watched)
    else if (watched instanceof Watcher && watched.isWanted) {
      if (isForGood(error)) this.#forget(watched)
      else void this.#awaitPermission(watched, stream)
      watched.failed(error, 1)
    }
  }

  /** Has it watched once that is allowed: by another stream, since it is known to etcd by its login. */
  async #awaitPermission(watcher: Watcher, denying: WatchStream): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await sleep(backoff(attempt, ALLOWED_BACKOFF), undefined, { ref: false })
      // Whatever stream is opened next asks for it as well.
      if (!watcher.isWanted || this.#connection.stream !== denying) return
      try {
        if (await this.#tools.mayRead(watcher)) {
          this.#connection.replace(denying)
          return
        }
        const why = new PermissionError(`watching ${watcher.path}: permission denied`)
        watcher.failed(why, attempt + 1)
      } catch (thrown) {
        watcher.failed(errorFrom(thrown), attempt + 1)
      }
    }
  }

  /** A watch that was confirmed late may begin with a gap. */
  async #verify(late: readonly Watched[]): Promise<void> {
    const doubtful = await this.#gaps.doubtful(late)
    for (const watched of doubtful) {
      if (watched instanceof CandidatesWatch) this.#lose(watched)
      if (watched instanceof PrefixGroup) watched.loseFollowers()
    }
    await Promise.all(doubtful.flatMap(watchersOf).map((watcher) => this.#gaps.read(watcher)))
  }

  #lose(watched: CandidatesWatch): void {
    if (this.#candidates.delete(watched)) watched.lose()
  }

  /** Goes on after etcd ended a watch because it has forgotten what was before `revision`. */
  async #resume(watched: Watched, revision: number): Promise<void> {
    if (watched instanceof CandidatesWatch) {
      this.#lose(watched)
      return
    }
    const behind = watchersOf(watched).filter(({ next }) => next <= revision)
    if (watched instanceof PrefixGroup) {
      // What comes next is not missed while its paths are read.
      watched.skipTo(revision + 1)
      this.#connection.stream?.create(watched)
    }
    const known = await Promise.all(behind.map((watcher) => this.#gaps.read(watcher)))
    if (watched instanceof Watcher && known.every(Boolean)) this.#connection.stream?.create(watched)
  }
}

/** Whom it tells. */
function watchersOf(watched: Watched): readonly Watcher[] {
  if (watched instanceof PrefixGroup) return watched.watchers
  return watched instanceof Watcher ? [watched] : []
}
