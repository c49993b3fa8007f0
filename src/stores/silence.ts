import { setImmediate, setTimeout } from 'node:timers/promises'

/** Tells when nothing has been heard for a while. All who wait for that share one timer. */
export class Silence {
  readonly #lastsMs: number
  #heard = 0
  #waiting: Promise<void> | null = null

  constructor(lastsMs: number) {
    this.#lastsMs = lastsMs
  }

  heard(): void {
    this.#heard += 1
  }

  /** Resolves once nothing has been heard for that long. Waiting for it does not keep the process. */
  begins(): Promise<void> {
    this.#waiting ??= this.#wait()
    return this.#waiting
  }

  async #wait(): Promise<void> {
    let before: number
    do {
      before = this.#heard
      await setTimeout(this.#lastsMs, undefined, { ref: false })
      // When the event loop was busy, what has arrived meanwhile is heard first.
      await setImmediate()
    } while (before !== this.#heard)
    this.#waiting = null
  }
}
