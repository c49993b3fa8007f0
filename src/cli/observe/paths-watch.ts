import { backoff } from '../../../machines/backoff.js'
import { sleep, systemClock } from '../../clock.js'
import { errorFrom, RefusedError } from '../../errors.js'
import type { Endpoint } from '../../stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../stores/etcd/etcd-store.js'

import type { Entry, ObserveListener, Sighting, Store, Watch } from '../../stores/store.js'

const READ_WITHIN_MS = 2_000
const BACKOFF = { firstMs: 100, longestMs: 1_000 }

interface Told {
  /** At which revision of the store it was so. */
  readonly asOf: number
  readonly entry: Entry | null
}

/** Tells what stands at some paths, vacant ones too, and every change from then on. */
export class PathsWatch {
  readonly #store: Store
  readonly #listener: Omit<ObserveListener, 'known'>
  readonly #closing = new AbortController()
  readonly #watches = new Map<string, Watch>()
  readonly #told = new Map<string, Told>()
  #isRetrying = false

  constructor(
    endpoints: readonly Endpoint[],
    paths: readonly string[],
    listener: Omit<ObserveListener, 'known'>,
  ) {
    this.#store = new EtcdStore(endpoints)
    this.#listener = listener
    // Of another history no revision says anything: what stands there is told anew.
    this.#store.onReset?.(() => {
      this.#told.clear()
      for (const path of paths) void this.#watch(path)
    })
    // One that has grown beyond what was known is only seen at the path itself.
    this.#store.onReconnected?.(() => {
      for (const path of this.#watches.keys()) void this.#readAgain(path)
    })
    for (const path of paths) void this.#watch(path)
  }

  close(): void {
    this.#closing.abort()
    for (const watch of this.#watches.values()) watch.close()
    this.#store.closeIdle()
  }

  async #watch(path: string): Promise<void> {
    this.#watches.get(path)?.close()
    this.#watches.delete(path)
    const sighting = await this.#read(path)
    if (sighting === null) return
    this.#see(path, sighting)
    const watch = this.#store.watch(path, sighting.revision + 1, {
      seen: (seen) => this.#see(path, seen),
      retrying: (error, attempt) => {
        this.#retrying(error, attempt)
        // The watch goes on by itself, and does not tell when.
        if (attempt === 1) void this.#read(path)
      },
      refused: (error) => this.#listener.refused(error),
    })
    this.#watches.get(path)?.close()
    this.#watches.set(path, watch)
  }

  async #readAgain(path: string): Promise<void> {
    const sighting = await this.#read(path)
    if (sighting !== null) this.#see(path, sighting)
  }

  /** Tells what is newer than what was told, and is something else. */
  #see(path: string, { entry, revision }: Sighting): void {
    const told = this.#told.get(path)
    if (told !== undefined && revision < told.asOf) return
    this.#told.set(path, { asOf: revision, entry })
    if (told !== undefined && isSame(told.entry, entry)) return
    this.#listener.seen(path, { entry, revision })
  }

  /** Reads until it is answered; `null` when it was refused, or the watch is closed. */
  async #read(path: string): Promise<Sighting | null> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt += 1) {
      try {
        const sighting = await this.#store.read(path, { timeoutMs: READ_WITHIN_MS })
        if (this.#closing.signal.aborted) return null
        if (this.#isRetrying) this.#listener.recovered()
        this.#isRetrying = false
        return sighting
      } catch (thrown) {
        if (this.#closing.signal.aborted) return null
        if (thrown instanceof RefusedError) {
          this.#listener.refused(thrown)
          return null
        }
        this.#retrying(errorFrom(thrown), attempt)
        const { signal } = this.#closing
        await sleep(systemClock, backoff(attempt, BACKOFF), signal)
      }
    }
    return null
  }

  #retrying(error: Error, attempt: number): void {
    this.#isRetrying = true
    this.#listener.retrying(error, attempt)
  }
}

function isSame(one: Entry | null, other: Entry | null): boolean {
  if (one === null || other === null) return one === other
  return one.revision === other.revision && one.lease === other.lease && one.text === other.text
}
