import { isForGood } from '../errors.js'
import type { Sighting, Watch, WatchListener } from './store.js'
import { type Publisher, Subscriber } from './subscriber.js'

/** What a watch stream can be asked to watch. */
export interface Watched {
  /** The path, or what all paths in a group begin with. */
  readonly path: string
  readonly isPrefix: boolean
  /** The first revision that is not known yet, or not known for sure. */
  readonly next: number
  /** The revision from which etcd was asked to watch. */
  start: number
  /** Whether etcd has refused to watch it since it last did. */
  isDenied: boolean
  /** Takes what happened in one revision at one of its paths. */
  take(path: string, sighting: Sighting): void
}

/** So many subscribers are told at once. It takes them about a millisecond to act on it. */
const TOLD_AT_ONCE = 8

/** One path, watched for all who want to know of it. */
export class Watcher implements Watched, Publisher {
  readonly path: string
  readonly isPrefix = false
  start: number
  isDenied = false
  readonly #left: (watcher: Watcher) => void
  #next: number
  #subscribers: readonly Subscriber[] = []
  /** What not all subscribers of a crowd have been told yet. */
  #untold: Sighting[] | null = null

  /** `left` is called when the last one who wanted to know of it no longer does. */
  constructor(path: string, from: number, left: (watcher: Watcher) => void) {
    this.path = path
    this.start = from
    this.#next = from
    this.#left = left
  }

  get next(): number {
    return this.#next
  }

  /** Whether anybody wants to know of it. */
  get isWanted(): boolean {
    return this.#subscribers.length > 0
  }

  subscribe(from: number, listener: WatchListener): Watch {
    const subscriber = new Subscriber(from, listener, this)
    this.#subscribers = this.#subscribers.concat(subscriber)
    return subscriber
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers = this.#subscribers.filter((one) => one !== subscriber)
    if (!this.isWanted) this.#left(this)
  }

  take(_path: string, sighting: Sighting): void {
    this.report(sighting)
  }

  /** What stands there has not changed since, if the history is still the same. */
  found(sighting: Sighting): void {
    for (const { isClosed, listener } of this.#subscribers) {
      if (!isClosed) listener.found?.(sighting)
    }
  }

  /** The watch was refused, or else it is tried again. */
  failed(error: Error, attempt: number): void {
    for (const { listener } of this.#subscribers) {
      if (isForGood(error)) listener.refused(error)
      else listener.retrying(error, attempt)
    }
  }

  /** What was before that revision is known in another way. */
  skipTo(revision: number): void {
    this.#next = Math.max(this.#next, revision)
  }

  /** The history is another one: whatever revision comes next is told. */
  beginAnew(): void {
    this.#next = 0
    for (const subscriber of this.#subscribers) subscriber.beginAnew()
  }

  /**
   * Tells the subscribers; what was told already is not told again. Of a crowd, the last to come are told
   * at once and the others in the next turns of the event loop, so that a claim of the first who is told
   * is on its way, and its answer heard, before all have acted. Whoever came last is next, by a hand-over.
   */
  report(sighting: Sighting): void {
    if (sighting.revision < this.#next) return
    this.#next = sighting.revision + 1
    const subscribers = this.#subscribers
    const others = Math.max(0, subscribers.length - TOLD_AT_ONCE)
    if (this.#untold !== null) this.#untold.push(sighting)
    else if (others > 0) {
      this.#untold = [sighting]
      setImmediate(() => this.#tellOthers(others))
    }
    const sightings = this.#untold ?? [sighting]
    for (const subscriber of subscribers.slice(others).reverse()) subscriber.tell(sightings)
  }

  /** Those that have come before the one in that place. */
  #tellOthers(to: number): void {
    const sightings = this.#untold ?? []
    const from = Math.max(0, to - TOLD_AT_ONCE)
    for (const subscriber of this.#subscribers.slice(from, to).reverse()) subscriber.tell(sightings)
    // Others may have joined meanwhile: they are found in another round.
    const last = sightings.at(-1)?.revision ?? 0
    if (from > 0) setImmediate(() => this.#tellOthers(from))
    else if (this.#subscribers.some((subscriber) => !subscriber.knows(last))) {
      setImmediate(() => this.#tellOthers(this.#subscribers.length))
    } else this.#untold = null
  }
}
