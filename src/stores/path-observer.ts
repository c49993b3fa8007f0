import { backoff } from '../../machines/backoff.js'
import { type Clock, sleep } from '../clock.js'
import { errorFrom, isForGood } from '../errors.js'
import type { Entry, ObserveListener, Sighting, Store, Watch } from './store.js'

const READ_WITHIN_MS = 2_000
const BACKOFF = { firstMs: 100, longestMs: 1_000 }

interface Told {
  /** At which revision of the store it was so. */
  readonly asOf: number
  readonly entry: Entry | null
}

/** Tells what stands at one path, also that it is vacant, and every change from then on, on any store. */
export class PathObserver implements Watch {
  readonly #store: Store
  readonly #clock: Clock
  readonly #path: string
  readonly #listener: ObserveListener
  #watch: Watch | null = null
  #told: Told | null = null
  /** Aborted when what was begun in this life no longer counts. */
  #life = new AbortController()
  /** Reads on their way. */
  #reading = 0
  /** Attempts that failed since the last read that did not. */
  #attempt = 0
  #isKnown = false

  constructor(store: Store, clock: Clock, path: string, listener: ObserveListener) {
    this.#store = store
    this.#clock = clock
    this.#path = path
    this.#listener = listener
    void this.#follow(this.#life.signal)
  }

  /** The history was replaced: of another one no revision says anything, and what stands there is told anew. */
  beginAnew(): void {
    if (this.#life.signal.aborted) return
    this.close()
    this.#told = null
    this.#life = new AbortController()
    void this.#follow(this.#life.signal)
  }

  /** Reads the path: a history that has grown beyond what was known of another is only seen there. */
  lookAgain(): void {
    if (this.#watch !== null) void this.#look(this.#life.signal)
  }

  close(): void {
    this.#life.abort()
    this.#watch?.close()
    this.#watch = null
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const sighting = await this.#look(signal)
    // Whoever is told may close it.
    if (sighting === null || signal.aborted) return
    this.#watch = this.#store.watch(this.#path, sighting.revision + 1, {
      seen: (seen) => this.#see(seen),
      found: (found) => this.#see(found),
      retrying: (error) => {
        this.#retrying(error)
        // The watch goes on by itself, and does not tell when.
        if (this.#reading === 0) void this.#look(signal)
      },
      refused: (error) => this.#refused(error),
    })
  }

  /** Tells what stands there now. Resolves with it, or with `null` if that could not be known. */
  async #look(signal: AbortSignal): Promise<Sighting | null> {
    this.#reading += 1
    const sighting = await this.#read(signal)
    this.#reading -= 1
    if (sighting === null) return null
    this.#see(sighting)
    if (signal.aborted) return null
    const [wasKnown, attempt] = [this.#isKnown, this.#attempt]
    this.#isKnown = true
    this.#attempt = 0
    if (!wasKnown) this.#listener.known()
    else if (attempt > 0) this.#listener.recovered()
    return sighting
  }

  /** Reads until it is answered; `null` when it was refused, or no longer counts. */
  async #read(signal: AbortSignal): Promise<Sighting | null> {
    for (let failed = 1; !signal.aborted; failed += 1) {
      try {
        const sighting = await this.#store.read(this.#path, { timeoutMs: READ_WITHIN_MS })
        return signal.aborted ? null : sighting
      } catch (thrown) {
        if (signal.aborted) return null
        const error = errorFrom(thrown)
        if (isForGood(error)) {
          this.#refused(error)
          return null
        }
        this.#retrying(error)
        await sleep(this.#clock, backoff(failed, BACKOFF), signal)
      }
    }
    return null
  }

  /** Tells what is newer than what was told, and is something else. */
  #see({ entry, revision }: Sighting): void {
    if (this.#life.signal.aborted) return
    const told = this.#told
    if (told !== null && revision < told.asOf) return
    this.#told = { asOf: revision, entry }
    if (told !== null && isSame(told.entry, entry)) return
    this.#listener.seen(this.#path, { entry, revision })
  }

  #retrying(error: Error): void {
    this.#attempt += 1
    this.#listener.retrying(error, this.#attempt)
  }

  #refused(error: Error): void {
    this.close()
    this.#listener.refused(error)
  }
}

function isSame(one: Entry | null, other: Entry | null): boolean {
  if (one === null || other === null) return one === other
  return one.revision === other.revision && one.lease === other.lease && one.text === other.text
}
