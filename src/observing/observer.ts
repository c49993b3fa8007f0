import { EventEmitter } from 'node:events'
import type { Holder } from '../../machines/election.js'
import { equal } from '../../machines/equal.js'
import type { NodeHolder, Observed, ObserverEvents } from '../node-types.js'
import { holderFrom } from '../record.js'
import type { ObserveListener, Sighting, Watch } from '../stores/store.js'
import { tellAll } from '../tell-all.js'
import { States } from './states.js'

/** What an observer is made of. */
export interface Observation {
  readonly path: string
  /** Begins it. Nothing is told before it has returned. */
  observe(listener: ObserveListener): Watch
  /** Called when the observer has closed, in whatever way. */
  left(): void
}

/**
 * Follows who holds paths, and takes no part in their elections. Made by a locker. Iterated over, it
 * gives the state of each path as it is now, and then what changes, until it is closed; whoever takes
 * these slowly gets the latest of each path. It keeps the process alive until it is closed.
 */
export class LockedObserver
  extends EventEmitter<ObserverEvents>
  implements AsyncIterable<Observed>, AsyncDisposable
{
  /** The path that is observed, or what all of them begin with. */
  readonly path: string
  /** What is known of paths: `null` for vacant ones. */
  readonly #known = new Map<string, NodeHolder | null>()
  readonly #iterations = new Set<States>()
  readonly #watch: Watch
  readonly #left: () => void
  /** Whether that a path is vacant is news, even if it was not known to be held. */
  readonly #vacancyIsNews: boolean
  #isClosed = false
  /** Why it closed by itself. */
  #error: Error | null = null

  constructor(observation: Observation, vacancyIsNews = false) {
    super()
    this.path = observation.path
    this.#left = () => observation.left()
    this.#vacancyIsNews = vacancyIsNews
    this.#watch = observation.observe({
      seen: (path, sighting) => this.#see(path, sighting),
      known: () => this.#tell(() => this.emit('known')),
      recovered: () => this.#tell(() => this.emit('known')),
      retrying: (error, attempt) => this.#tell(() => this.emit('unreachable', error, attempt)),
      refused: (error) => this.#fail(error),
    })
  }

  /** Who holds which path, as far as is known now: a copy. */
  get holders(): ReadonlyMap<string, NodeHolder> {
    const holders = new Map<string, NodeHolder>()
    for (const [path, holder] of this.#known) if (holder !== null) holders.set(path, holder)
    return holders
  }

  /** Ends it, and all iterations over it. Nothing is told any more, and nothing of it is left open. */
  async close(): Promise<void> {
    this.#close(null)
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @throws What `error` is emitted with (as a rejection of `next`). */
  [Symbol.asyncIterator](): AsyncIterableIterator<Observed> {
    const states = new States(this.#isClosed ? [] : this.#known, (left) => {
      this.#iterations.delete(left)
    })
    if (this.#isClosed) states.end(this.#error)
    else this.#iterations.add(states)
    return states
  }

  #see(path: string, sighting: Sighting): void {
    if (this.#isClosed) return
    const standing = sighting.entry && holderFrom(sighting.entry)
    const before = this.#known.get(path)
    // A holder that stands down writes its record once more before it is deleted. It may not know that
    // its latest value was written, and then writes the one before.
    if (standing?.released === true && before?.token === BigInt(standing.token)) return
    const holder = standing && nodeHolderOf(standing)
    if (before !== undefined ? isSame(holder, before) : holder === null && !this.#vacancyIsNews) {
      return
    }
    if (holder === null && !this.#vacancyIsNews) this.#known.delete(path)
    else this.#known.set(path, holder)
    for (const states of this.#iterations) states.put(path, holder)
    this.#tell(() =>
      holder === null ? this.emit('vacant', path) : this.emit('change', path, holder),
    )
  }

  #tell(tell: () => unknown): void {
    if (!this.#isClosed) tellAll(tell)
  }

  /** Tells an error to whoever listens. It never goes unnoticed, and never ends the process. */
  #fail(error: Error): void {
    if (this.#isClosed) return
    const isHeard = this.#iterations.size > 0
    this.#close(error)
    if (this.listenerCount('error') > 0) tellAll(() => this.emit('error', error))
    else if (!isHeard) process.emitWarning(error)
  }

  #close(error: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#error = error
    this.#watch.close()
    this.#known.clear()
    for (const states of this.#iterations) states.end(error)
    this.#iterations.clear()
    this.#left()
  }
}

function nodeHolderOf({ id, value, token }: Holder): NodeHolder {
  return { id, value, token: BigInt(token) }
}

function isSame(one: NodeHolder | null, other: NodeHolder | null): boolean {
  if (one === null || other === null) return one === other
  return one.token === other.token && one.id === other.id && equal(one.value, other.value)
}
