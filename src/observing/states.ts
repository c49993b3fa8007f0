import type { NodeHolder, Observed } from '../node-types.js'

/** Of so many paths that came and went while nobody asked, it is still told that they are vacant. */
const MOST_PASSED = 1_000

interface Asker {
  resolve(result: IteratorResult<Observed, undefined>): void
  reject(error: Error): void
}

/**
 * The states of paths, one after the other, for one who takes them at his own pace. Of each path the
 * latest is kept: whoever is slow misses states in between, never the outcome.
 */
export class States implements AsyncIterableIterator<Observed> {
  readonly #left: (states: States) => void
  readonly #askers: Asker[] = []
  /** What is still to be taken, in the order in which the paths came up. */
  readonly #untaken = new Map<string, NodeHolder | null>()
  /** The paths that were held when they were last taken. */
  readonly #takenAsHeld = new Set<string>()
  /** Vacant paths to be taken that were not known to be held. */
  readonly #passed = new Set<string>()
  #error: Error | null = null
  #isOver = false

  /** @param left Called when whoever takes them wants no more. */
  constructor(now: Iterable<readonly [string, NodeHolder | null]>, left: (one: States) => void) {
    this.#left = left
    for (const [path, holder] of now) this.#untaken.set(path, holder)
  }

  put(path: string, holder: NodeHolder | null): void {
    const asker = this.#askers.shift()
    if (asker !== undefined) {
      asker.resolve(this.#taken(path, holder))
      return
    }
    this.#untaken.set(path, holder)
    this.#passed.delete(path)
    if (holder === null && !this.#takenAsHeld.has(path)) this.#passed.add(path)
    const [oldest] = this.#passed
    if (oldest !== undefined && this.#passed.size > MOST_PASSED) {
      this.#passed.delete(oldest)
      this.#untaken.delete(oldest)
    }
  }

  /** Nothing comes any more: at once; or with an error, once what there is has been taken. */
  end(error: Error | null): void {
    if (this.#isOver) return
    this.#isOver = true
    if (error === null) this.#untaken.clear()
    const askers = this.#askers.splice(0)
    if (error !== null && askers.length > 0) askers.shift()?.reject(error)
    else this.#error = error
    for (const asker of askers) asker.resolve({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<Observed, undefined>> {
    for (const [path, holder] of this.#untaken) {
      this.#untaken.delete(path)
      return Promise.resolve(this.#taken(path, holder))
    }
    const error = this.#error
    this.#error = null
    if (error !== null) return Promise.reject(error)
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#askers.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<Observed, undefined>> {
    this.end(null)
    this.#error = null
    this.#untaken.clear()
    this.#left(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #taken(path: string, holder: NodeHolder | null): IteratorResult<Observed, undefined> {
    this.#passed.delete(path)
    if (holder === null) this.#takenAsHeld.delete(path)
    else this.#takenAsHeld.add(path)
    return { done: false, value: { path, holder } }
  }
}
