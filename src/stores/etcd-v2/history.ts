/** What an answer says of the store that gave it: `null` for what it does not say. */
export interface Head {
  readonly clusterId: string | null
  /** The store's index by then. */
  readonly index: number | null
}

/** What was known when a request was sent. */
export interface Known {
  /** Counts the histories. */
  readonly history: number
  readonly index: number
}

/**
 * The store's history, as far as the answers tell. That it was replaced by another is proven by an
 * answer of another cluster, and by a linearizable one with a lower index than was known when its
 * request was sent. Any other answer with a lower index may be of a member that lags behind.
 */
export class History {
  readonly #replaced: () => void
  #clusterId: string | null = null
  #known: Known = { history: 0, index: 0 }

  /** `replaced` is called before the answer that proves it is told to anybody. */
  constructor(replaced: () => void) {
    this.#replaced = replaced
  }

  get known(): Known {
    return this.#known
  }

  /** Takes a linearizable answer to a request that was sent when this was known. */
  answered(head: Head, sent: Known): void {
    this.#take(head, sent, head.index !== null && head.index < sent.index)
  }

  /** Takes any other answer. Returns whether a linearizable one has to tell what to make of it. */
  heard(head: Head, sent: Known): boolean {
    this.#take(head, sent, false)
    return this.#isPresent(sent) && head.index !== null && head.index < sent.index
  }

  /** Something else has proven that what was known by then is of another history. */
  refute(sent: Known): void {
    this.#take({ clusterId: null, index: null }, sent, true)
  }

  #take({ clusterId, index }: Head, sent: Known, isLower: boolean): void {
    // What comes late of a history that is over says nothing of the present one.
    if (!this.#isPresent(sent)) return
    const { history, index: known } = this.#known
    const isOther = clusterId !== null && this.#clusterId !== null && clusterId !== this.#clusterId
    this.#clusterId = clusterId ?? this.#clusterId
    if (isOther || isLower) {
      this.#known = { history: history + 1, index: index ?? 0 }
      this.#replaced()
    } else if (index !== null && index > known) {
      this.#known = { history, index }
    }
  }

  #isPresent({ history }: Known): boolean {
    return history === this.#known.history
  }
}
