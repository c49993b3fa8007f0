import { errorFrom, RefusedError, UnreachableError } from '../errors.js'
import type { Endpoints, EtcdClient } from './etcd-endpoints.js'
import { storeError } from './etcd-errors.js'
import { requireLeader } from './etcd-streams.js'
import { Watcher, WatchLine, type WatchStream } from './etcd-watch-line.js'
import type { Sighting, Watch, WatchListener } from './store.js'

export interface WatchTools {
  keyOf(client: EtcdClient, path: string): Buffer
  read(path: string): Promise<Sighting>
  /** Whether the history after `revision` is still kept in full. */
  remembers(revision: number): Promise<boolean>
}

const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 1_000
const READ_AGAIN_MS = 500

/** All the watches of a store, on one stream. */
export class WatchHub {
  readonly #endpoints: Endpoints
  readonly #tools: WatchTools
  readonly #watchers = new Map<string, Set<Watcher>>()
  #line: WatchLine | null = null
  #connecting = false
  #attempt = 0
  #retry: NodeJS.Timeout | null = null

  constructor(endpoints: Endpoints, tools: WatchTools) {
    this.#endpoints = endpoints
    this.#tools = tools
    endpoints.onGivenUp(() => this.#drop())
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const watcher = this.#watcherFor(path, from)
    const member = { from, listener }
    watcher.members.add(member)
    return {
      close: () => {
        if (!watcher.members.delete(member) || watcher.members.size > 0) return
        this.#forget(watcher)
      },
    }
  }

  /** Ends the stream; watchers that are still there open a new one. */
  rest(): void {
    if (this.#watchers.size > 0) return
    this.#drop()
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#attempt = 0
  }

  /** One watcher serves all nodes on a path, unless one needs what it has passed already. */
  #watcherFor(path: string, from: number): Watcher {
    const watchers = this.#watchers.get(path) ?? new Set()
    this.#watchers.set(path, watchers)
    for (const watcher of watchers) if (from >= watcher.next) return watcher
    const watcher = new Watcher(path, from)
    watchers.add(watcher)
    if (this.#line === null) void this.#connect()
    else this.#line.create(watcher)
    return watcher
  }

  #forget(watcher: Watcher): void {
    const watchers = this.#watchers.get(watcher.path)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#watchers.delete(watcher.path)
    this.#line?.cancel(watcher)
  }

  #drop(): void {
    this.#line?.end()
    this.#line = null
    if (this.#watchers.size > 0) void this.#connect()
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#line !== null) return
    this.#connecting = true
    try {
      const client = await this.#endpoints.current()
      const stream: WatchStream = await client.watchClient.watch(requireLeader())
      if (!this.#endpoints.isInUse(client)) {
        stream.cancel()
        throw new UnreachableError('watching: the member was given up')
      }
      const line: WatchLine = new WatchLine(stream, (path) => this.#tools.keyOf(client, path), {
        compacted: (watcher, revision) => void this.#resume(watcher, revision),
        late: (watchers) => void this.#verify(watchers),
        refused: (watcher, error) => {
          this.#forget(watcher)
          for (const { listener } of [...watcher.members]) listener.refused(error)
        },
        heard: () => {
          this.#attempt = 0
        },
        ended: (error) => {
          if (this.#line !== line) return
          this.#line = null
          if (error instanceof UnreachableError) this.#endpoints.giveUp(client)
          this.#later(error)
        },
      })
      this.#line = line
      for (const watchers of this.#watchers.values()) {
        for (const watcher of watchers) line.create(watcher)
      }
      if (this.#watchers.size === 0) this.rest()
    } catch (thrown) {
      this.#later(storeError('watching', thrown))
    } finally {
      this.#connecting = false
    }
  }

  /** Tells everybody what happened, and connects again after a while. */
  #later(error: Error): void {
    if (this.#retry !== null || this.#watchers.size === 0) return
    this.#attempt += 1
    const longest = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#attempt - 1), LONGEST_BACKOFF_MS)
    this.#retry = setTimeout(() => {
      this.#retry = null
      void this.#connect()
    }, Math.random() * longest)
    const refused = error instanceof RefusedError
    for (const watcher of [...this.#watchers.values()].flatMap((watchers) => [...watchers])) {
      for (const { listener } of [...watcher.members]) {
        if (refused) listener.refused(error)
        else listener.troubled(error, this.#attempt)
      }
    }
  }

  /**
   * etcd takes a watch that starts at the very revision compacted to, although a deletion at that
   * revision is no longer in its history (seen with 3.4.23). So a watch that was confirmed when the
   * store had moved on already is only relied on once it is known that nothing was forgotten.
   */
  async #verify(watchers: readonly Watcher[]): Promise<void> {
    const asked = watchers.map((watcher) => ({ watcher, start: watcher.start }))
    const before = Math.min(...asked.map(({ start }) => start)) - 1
    try {
      if (before < 1 || (await this.#tools.remembers(before))) return
    } catch {
      // Not known: reading answers it for sure.
    }
    const doubtful = asked.filter(({ watcher, start }) => watcher.start === start)
    await Promise.all(doubtful.map(({ watcher }) => this.#readAgain(watcher)))
  }

  /** Goes on after etcd ended a watch because it has forgotten what was before `revision`. */
  async #resume(watcher: Watcher, revision: number): Promise<void> {
    if (watcher.next > revision || (await this.#readAgain(watcher))) this.#line?.create(watcher)
  }

  /** Reports the path as it is, since its history is gone. Resolves with whether that could be done. */
  #readAgain(watcher: Watcher): Promise<boolean> {
    watcher.reading ??= this.#readUntilKnown(watcher).finally(() => {
      watcher.reading = null
    })
    return watcher.reading
  }

  async #readUntilKnown(watcher: Watcher): Promise<boolean> {
    while (watcher.members.size > 0) {
      try {
        const { entry, revision } = await this.#tools.read(watcher.path)
        watcher.report({ entry, revision: entry?.revision ?? revision })
        watcher.next = Math.max(watcher.next, revision + 1)
        return true
      } catch (thrown) {
        const error = errorFrom(thrown)
        for (const { listener } of [...watcher.members]) {
          if (error instanceof RefusedError) listener.refused(error)
          else listener.troubled(error, 1)
        }
        if (error instanceof RefusedError) return false
        await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS))
      }
    }
    return false
  }
}
