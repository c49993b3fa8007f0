/** So many answers tell how long they take. */
const LATELY = 16
/** No answer is late before, in milliseconds: a busy process hears it later than it comes. */
const SHORTEST_LATE_MS = 250
/** Any is late after so long, in milliseconds, however long those before it took. */
const LONGEST_LATE_MS = 2_000
/** An answer that takes so many times as long as any of late is. */
const LATE_FACTOR = 4

/** How long answers take, by those of late, and when one is late by that. */
export class Pace {
  readonly #tookMs: number[] = []

  took(ms: number): void {
    this.#tookMs.push(ms)
    if (this.#tookMs.length > LATELY) this.#tookMs.shift()
  }

  /** How many answers there have been, of those that count. */
  get count(): number {
    return this.#tookMs.length
  }

  /** What the longest of them took, in milliseconds. */
  get longestMs(): number {
    return Math.max(0, ...this.#tookMs)
  }

  /**
   * Calls `late` once an answer that is awaited from now on is late, and again each time that it has
   * taken twice as long; until what is returned is called. It keeps no process alive.
   */
  whenLate(late: () => void): () => void {
    let timer: NodeJS.Timeout
    let look: NodeJS.Immediate | undefined
    const wait = (ms: number) => {
      timer = setTimeout(() => {
        // When the event loop was busy, an answer that has arrived meanwhile is heard first.
        look = setImmediate(() => {
          wait(2 * ms)
          late()
        })
      }, ms).unref()
    }
    const stop = () => {
      clearTimeout(timer)
      clearImmediate(look)
    }
    const lateMs = Math.max(SHORTEST_LATE_MS, LATE_FACTOR * this.longestMs)
    wait(Math.min(lateMs, LONGEST_LATE_MS))
    return stop
  }
}
