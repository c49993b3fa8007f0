/** The paths that there were when a page came, of which it has not been told yet. */
export class UntoldPaths {
  /** In their order; those before `#next` are told. All pages share it: each keeps no list of its own. */
  #paths: readonly string[]
  #next = 0

  /** @param paths In their order. */
  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  get isEmpty(): boolean {
    return this.#next >= this.#paths.length
  }

  has(path: string): boolean {
    let [from, to] = [this.#next, this.#paths.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const there = this.#paths[middle] ?? ''
      if (there === path) return true
      if (there < path) from = middle + 1
      else to = middle
    }
    return false
  }

  /** What is taken is told. */
  *take(): Generator<string> {
    while (!this.isEmpty) {
      const path = this.#paths[this.#next] ?? ''
      this.#next += 1
      yield path
    }
    this.clear()
  }

  clear(): void {
    this.#paths = []
  }
}
