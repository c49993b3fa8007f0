import { isObserved, tellSeen } from './candidates.js'
import type { ObserveListener, Sighting, Watch } from './store.js'
import { type Picture, ToldPaths } from './told-paths.js'

/** Tells what stands in a memory store at all paths that begin alike, in microtasks, until it is closed. */
export class MemoryObserver implements Watch {
  readonly #prefix: string
  readonly #listener: ObserveListener
  readonly #told = new ToldPaths()
  readonly #onClose: () => void
  #isKnown = false
  #isClosed = false
  /** Which history this is: what was to be told of the one before is not. */
  #generation = 0

  constructor(prefix: string, listener: ObserveListener, now: Picture, onClose: () => void) {
    this.#prefix = prefix
    this.#listener = listener
    this.#onClose = onClose
    this.#later(() => this.#tellAll(now))
  }

  /** Something happened at a path. */
  take(path: string, sighting: Sighting): void {
    if (this.#isObserved(path)) this.#later(() => this.#tell(path, sighting))
  }

  /** The history was replaced by another. */
  beginAnew(now: Picture): void {
    this.#generation += 1
    this.#later(() => {
      this.#told.distrust()
      this.#tellAll(now)
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClose()
  }

  #isObserved(path: string): boolean {
    return isObserved(path, this.#prefix, this.#listener)
  }

  #tellAll({ found, revision }: Picture): void {
    for (const path of this.#told.paths) {
      if (!found.has(path)) this.#tell(path, { entry: null, revision })
    }
    for (const [path, entry] of found) {
      if (this.#isObserved(path)) this.#tell(path, { entry, revision: entry.revision })
    }
    if (this.#isKnown || this.#isClosed) return
    this.#isKnown = true
    this.#listener.known()
  }

  #tell(path: string, sighting: Sighting): void {
    if (!this.#isClosed && this.#told.take(path, sighting)) tellSeen(this.#listener, path, sighting)
  }

  #later(tell: () => void): void {
    const generation = this.#generation
    queueMicrotask(() => {
      if (generation === this.#generation) tell()
    })
  }
}
