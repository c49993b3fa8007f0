/** Tells when nothing has been heard for a while. All who wait for that share one timer. */
export class IdleTimeout {
  readonly #lastsMs: number
  readonly #waiting = new Set<() => void>()
  #heard = 0
  #isTimed = false

  constructor(lastsMs: number) {
    this.#lastsMs = lastsMs
  }

  heard(): void {
    this.#heard += 1
  }

  /**
   * Settles as `promise` does, or resolves with nothing once nothing has been heard for that long.
   * Waiting for it does not keep the process.
   */
  unless<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const silent = () => resolve(undefined)
      const settled = () => this.#waiting.delete(silent)
      this.#waiting.add(silent)
      this.#time()
      promise.then(resolve, reject)
      promise.then(settled, settled)
    })
  }

  #time(): void {
    if (this.#isTimed || this.#waiting.size === 0) return
    this.#isTimed = true
    const before = this.#heard
    const look = () => {
      this.#isTimed = false
      if (before === this.#heard) {
        for (const silent of this.#waiting) silent()
        this.#waiting.clear()
      }
      this.#time()
    }
    // When the event loop was busy, what has arrived meanwhile is heard first.
    setTimeout(() => setImmediate(look), this.#lastsMs).unref()
  }
}
