import { setTimeout as delay } from 'node:timers/promises'
import { errorFrom, RefusedError } from '../../errors.js'
import { EtcdStore } from '../../stores/etcd.js'
import type { Endpoint } from '../../stores/etcd-endpoints.js'
import type { PrefixListener } from '../../stores/etcd-prefix.js'
import type { Sighting, Store } from '../../stores/store.js'

const READ_WITHIN_MS = 2_000
const PAUSE_MS = 500

/** Tells what stands at some paths, vacant ones too, and every change from then on. */
export class PathsWatch {
  readonly #store: Store
  readonly #listener: Omit<PrefixListener, 'known'>
  readonly #closing = new AbortController()
  #isTroubled = false

  constructor(
    endpoints: readonly Endpoint[],
    paths: readonly string[],
    listener: Omit<PrefixListener, 'known'>,
  ) {
    this.#store = new EtcdStore(endpoints)
    this.#listener = listener
    for (const path of paths) void this.#watch(path)
  }

  close(): void {
    this.#closing.abort()
    this.#store.rest()
  }

  async #watch(path: string): Promise<void> {
    const sighting = await this.#read(path)
    if (sighting === null) return
    this.#listener.seen(path, sighting)
    const watch = this.#store.watch(path, sighting.revision + 1, {
      seen: (seen) => this.#listener.seen(path, seen),
      troubled: (error, attempt) => {
        this.#troubled(error, attempt)
        // The watch goes on by itself, and does not tell when.
        if (attempt === 1) void this.#read(path)
      },
      refused: (error) => this.#listener.refused(error),
    })
    this.#closing.signal.addEventListener('abort', () => watch.close())
  }

  /** Reads until it is answered; `null` when it was refused, or the watch is closed. */
  async #read(path: string): Promise<Sighting | null> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt += 1) {
      try {
        const sighting = await this.#store.read(path, { withinMs: READ_WITHIN_MS })
        if (this.#closing.signal.aborted) return null
        if (this.#isTroubled) this.#listener.recovered()
        this.#isTroubled = false
        return sighting
      } catch (thrown) {
        if (this.#closing.signal.aborted) return null
        if (thrown instanceof RefusedError) {
          this.#listener.refused(thrown)
          return null
        }
        this.#troubled(errorFrom(thrown), attempt)
        const { signal } = this.#closing
        await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
    return null
  }

  #troubled(error: Error, attempt: number): void {
    this.#isTroubled = true
    this.#listener.troubled(error, attempt)
  }
}
