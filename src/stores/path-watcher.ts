import type { WatchGroup } from './etcd/streams/prefix-group.js'
import type { Sighting, Watch, WatchListener } from './store.js'

/** What a watch stream can be asked to watch. */
export interface Watched {
  /** The path, or what all paths in a group begin with. */
  readonly path: string
  readonly isPrefix: boolean
  /** The first revision that is not known yet, or not known for sure. */
  next: number
  /** The revision from which etcd was asked to watch. */
  start: number
  /** Whether etcd has refused to watch it since it last did. */
  isDenied: boolean
  /** Takes what happened in one revision at one of its paths. */
  take(path: string, sighting: Sighting): void
}

/** Somebody who wants to know what happens at a path from a revision on. */
export class Subscriber implements Watch {
  /** The first revision that it has not been told of. */
  next: number
  isClosed = false
  readonly listener: WatchListener
  readonly #watcher: Watcher
  readonly #forget: (watcher: Watcher) => void

  constructor(
    watcher: Watcher,
    from: number,
    listener: WatchListener,
    forget: (watcher: Watcher) => void,
  ) {
    this.#watcher = watcher
    this.next = from
    this.listener = listener
    this.#forget = forget
  }

  /** Tells what it has not been told yet, in order. */
  tell(sightings: readonly Sighting[]): void {
    for (const sighting of sightings) {
      // What it is told may make it close, or be told more meanwhile.
      if (this.isClosed) return
      if (sighting.revision < this.next) continue
      this.next = sighting.revision + 1
      this.listener.seen(sighting)
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const watcher = this.#watcher
    watcher.subscribers = watcher.subscribers.filter((subscriber) => subscriber !== this)
    if (watcher.subscribers.length === 0) this.#forget(watcher)
  }
}

/** So many subscribers are told at once. It takes them about a millisecond to act on it. */
const TOLD_AT_ONCE = 8

/** One path, watched for all who want to know of it. */
export class Watcher implements Watched {
  readonly path: string
  readonly isPrefix = false
  subscribers: readonly Subscriber[] = []
  next: number
  start: number
  isDenied = false
  /** The group that it is served by, rather than by a watch of its own. */
  group: WatchGroup | null = null
  /** The read on its way because its history is gone. */
  reading: Promise<boolean> | null = null
  /** What not all subscribers of a crowd have been told yet. */
  #untold: Sighting[] | null = null

  constructor(path: string, from: number) {
    this.path = path
    this.next = from
    this.start = from
  }

  take(_path: string, sighting: Sighting): void {
    this.report(sighting)
  }

  /** What stands there has not changed since, if the history is still the same. */
  found(sighting: Sighting): void {
    for (const { isClosed, listener } of this.subscribers) {
      if (!isClosed) listener.found?.(sighting)
    }
  }

  /**
   * Tells the subscribers; what was told already is not told again. Of a crowd, the first are told at
   * once and the others in the next turns of the event loop, so that a claim of the first is on its
   * way, and its answer heard, before the last of them has acted.
   */
  report(sighting: Sighting): void {
    if (sighting.revision < this.next) return
    this.next = sighting.revision + 1
    const { subscribers } = this
    if (this.#untold !== null) this.#untold.push(sighting)
    else if (subscribers.length > TOLD_AT_ONCE) {
      this.#untold = [sighting]
      setImmediate(() => this.#tellOthers(TOLD_AT_ONCE))
    }
    const sightings = this.#untold ?? [sighting]
    for (const subscriber of subscribers.slice(0, TOLD_AT_ONCE)) subscriber.tell(sightings)
  }

  #tellOthers(from: number): void {
    const sightings = this.#untold ?? []
    const { subscribers } = this
    const to = from + TOLD_AT_ONCE
    for (const subscriber of subscribers.slice(from, to)) subscriber.tell(sightings)
    // Members that have closed meanwhile leave gaps, and subscribers may have joined: whoever was passed
    // over is found in another round.
    if (to < this.subscribers.length) setImmediate(() => this.#tellOthers(to))
    else if (this.subscribers.some(({ next }) => next <= (sightings.at(-1)?.revision ?? 0))) {
      setImmediate(() => this.#tellOthers(0))
    } else this.#untold = null
  }
}
