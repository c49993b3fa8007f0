import { type Clock, LONGEST_DELAY_MS } from '../clock.js'
import { UnsupportedError } from '../errors.js'
import type { Uses } from '../services/uses.js'
import { PathObserver } from '../stores/path-observer.js'
import type { ObserveListener, Store, Watch } from '../stores/store.js'
import { LockedObserver } from './observer.js'
import { LockedPathObserver } from './path-observer.js'

/** The observers of a locker. */
export class Observers {
  readonly #store: Store
  readonly #clock: Clock
  readonly #uses: Uses
  readonly #open = new Set<LockedObserver>()
  readonly #ofPaths = new Set<PathObserver>()
  /** Whether the store tells of what all of them have to know. */
  #isListening = false
  /** Keeps the process alive while there are any, whatever the store has open meanwhile. */
  #living: NodeJS.Timeout | undefined

  constructor(store: Store, clock: Clock, uses: Uses) {
    this.#store = store
    this.#clock = clock
    this.#uses = uses
  }

  observePath(path: string): LockedPathObserver {
    this.#listen()
    const observe = (listener: ObserveListener): Watch => {
      const ofPath = new PathObserver(this.#store, this.#clock, path, listener)
      this.#ofPaths.add(ofPath)
      return {
        close: () => {
          this.#ofPaths.delete(ofPath)
          ofPath.close()
        },
      }
    }
    return this.#add((left) => new LockedPathObserver({ path, observe, left }))
  }

  /** @throws UnsupportedError when the store cannot do it. */
  observePrefix(prefix: string): LockedObserver {
    const start = this.#store.observe?.bind(this.#store)
    if (start === undefined) {
      throw new UnsupportedError(
        `observe: this store cannot observe all paths that begin with ${JSON.stringify(prefix)}, since it has no observe(); observe the paths one by one`,
      )
    }
    const observe = (listener: ObserveListener): Watch => start(prefix, listener)
    return this.#add((left) => new LockedObserver({ path: prefix, observe, left }))
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((observer) => observer.close()))
  }

  /** Most lockers observe nothing. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#store.onReset?.(() => {
      for (const one of this.#ofPaths) one.beginAnew()
    })
    this.#store.onReconnected?.(() => {
      for (const one of this.#ofPaths) one.lookAgain()
    })
  }

  #add<Observer extends LockedObserver>(make: (left: () => void) => Observer): Observer {
    const observer = make(() => {
      this.#open.delete(observer)
      if (this.#open.size === 0) {
        clearInterval(this.#living)
        this.#living = undefined
      }
      this.#uses.end()
    })
    this.#uses.begin()
    this.#living ??= setInterval(() => undefined, LONGEST_DELAY_MS)
    this.#open.add(observer)
    return observer
  }
}
