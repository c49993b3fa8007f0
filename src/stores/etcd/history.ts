/** What every answer of etcd says of the member that gives it (`ResponseHeader`, etcd's rpc.proto). */
export interface Header {
  /** `0` in what `etcd grpc-proxy` says by itself: of a member, and of a history, it tells nothing then. */
  readonly cluster_id: string
  readonly member_id: string
  readonly revision: string
  /** The term of the latest entry that the member has applied (server.go, `setTerm`). */
  readonly raft_term: string
}

/** The raft term that each member was last heard to be in, by its id. */
export type Terms = ReadonlyMap<string, string>

/** What was known when a request was sent. */
export interface Mark {
  readonly generation: number
  readonly revision: number
  readonly term: bigint
}

/**
 * etcd's history, as its answers tell of it. It is replaced when etcd loses its data, or is restored
 * from a backup.
 *
 * Another cluster id proves that. So does a linearizable answer with a lower revision, or a lower
 * term, than was known when its request was sent: such an answer has applied all that was committed
 * before. A member that answers otherwise may only lag, and proves nothing.
 */
export class History {
  readonly #listeners = new Set<() => void>()
  #cluster: string | null = null
  #terms: Terms = new Map()
  #term = 0n
  #revision = 0
  #generation = 0

  /** `listener` is called whenever the history was replaced, before the answer is used that shows it. */
  onReplaced(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** What is known now, to be taken when a request is sent. */
  get mark(): Mark {
    return { generation: this.#generation, revision: this.#revision, term: this.#term }
  }

  /** It is replaced, never changed: what was taken from it when a request was sent stays as it was. */
  get terms(): Terms {
    return this.#terms
  }

  /** Whether it has been replaced since. */
  isReplacedSince({ generation }: Mark): boolean {
    return generation !== this.#generation
  }

  /** Learns from the answer to a request that was sent at `mark`. */
  learn(
    header: Header,
    mark: Mark,
    { isLinearizable }: { readonly isLinearizable: boolean },
  ): void {
    if (header.cluster_id === '0') return
    // Whether it is of the history before or of the one after cannot be told.
    if (this.isReplacedSince(mark)) return
    const { cluster_id, member_id, raft_term } = header
    const revision = Number(header.revision)
    const term = BigInt(raft_term)
    const isOther = this.#cluster !== null && this.#cluster !== cluster_id
    const isOlder = isLinearizable && (revision < mark.revision || term < mark.term)
    const isReplaced = isOther || isOlder
    if (isReplaced) {
      this.#terms = new Map()
      this.#term = 0n
      this.#revision = 0
      this.#generation += 1
    }
    this.#cluster = cluster_id
    if (this.#terms.get(member_id) !== raft_term) {
      this.#terms = new Map([...this.#terms, [member_id, raft_term]])
    }
    if (term > this.#term) this.#term = term
    if (revision > this.#revision) this.#revision = revision
    if (isReplaced) for (const listener of [...this.#listeners]) listener()
  }
}
