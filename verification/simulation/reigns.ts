import type { Holder } from '../../machines/election.js'
import { holderFrom } from '../../src/record.js'
import type { MemoryStore } from '../../src/stores/memory.js'
import type { Sighting, Watch } from '../../src/stores/store.js'

/** Who is told what becomes of a path. */
interface ReignListener {
  began(holder: Holder): void
  /** Nothing stands there any more. */
  vacated(): void
}

/** The reigns on one path as the store has them, whoever hears of them. */
export class Reigns {
  readonly #store: MemoryStore
  readonly #path: string
  readonly #listener: ReignListener
  #watch: Watch
  #token: number | null

  constructor(store: MemoryStore, path: string, listener: ReignListener) {
    this.#store = store
    this.#path = path
    this.#listener = listener
    this.#token = this.#standing()
    this.#watch = this.#open()
    store.onReset(() => {
      this.#watch.close()
      this.#token = this.#standing()
      this.#watch = this.#open()
    })
  }

  /** The token of the reign that lasts; `null` where there is none. */
  get token(): number | null {
    return this.#token
  }

  #standing(): number | null {
    const entry = this.#store.entries().get(this.#path)
    return entry === undefined ? null : holderFrom(entry).token
  }

  #open(): Watch {
    return this.#store.watch(this.#path, this.#store.backup().revision + 1, {
      seen: (sighting) => this.#see(sighting),
      retrying: () => undefined,
      refused: () => undefined,
    })
  }

  #see({ entry }: Sighting): void {
    if (entry === null) {
      this.#token = null
      this.#listener.vacated()
      return
    }
    const holder = holderFrom(entry)
    if (holder.token === this.#token) return
    this.#token = holder.token
    this.#listener.began(holder)
  }
}
