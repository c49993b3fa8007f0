import type { Call, Candidacy, Claim, Entry, Lease, Store } from '../stores/store.js'

/**
 * So many nodes claim at once. The answers to more would keep the process from renewing its sessions in
 * time. Sixty of them travel together: of these requests none is half empty.
 */
const MOST_AT_ONCE = 20 * 60

/** A claim that found the path held, or will. */
type Loss = Extract<Claim, { won: false }>

/** Claims on their way, at most one for each path: the other nodes of a locker share what it finds. */
export class Claims {
  readonly #store: Store
  readonly #underWay = new Map<string, Promise<Loss>>()
  /** How many nodes claim now. */
  #claiming = 0
  /** Begin the claims of the others, in the order in which they came. */
  readonly #waiting = new Set<() => void>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Has a node claim once not too many others do. `hurry` has it do so now. */
  inTurn<T>(claim: () => Promise<T>): { readonly outcome: Promise<T>; hurry(): void } {
    if (this.#claiming < MOST_AT_ONCE)
      return { outcome: this.#begin(claim), hurry: () => undefined }
    let begin: () => void = () => undefined
    const outcome = new Promise<T>((resolve) => {
      begin = () => resolve(this.#begin(claim))
    })
    this.#waiting.add(begin)
    return {
      outcome,
      hurry: () => {
        if (this.#waiting.delete(begin)) begin()
      },
    }
  }

  /** Has all that wait for their turn try now: one had no answer, and each node is to be told. */
  hurryAll(): void {
    this.#goOn(Number.POSITIVE_INFINITY)
  }

  /** What another node's claim, if one is on its way, finds or puts at the path. */
  ofAnother(path: string): Promise<Loss> | undefined {
    return this.#underWay.get(path)
  }

  async make(
    path: string,
    text: string,
    lease: Lease,
    call: Call,
    candidacy: Candidacy,
  ): Promise<Claim> {
    const claiming = this.#store.claim(path, text, lease, call, candidacy)
    const loss = claiming.then((claim) =>
      claim.won ? lossTo({ text, lease: lease.id, token: claim.token }) : claim,
    )
    // Whoever waits for it hears of a failure; nobody may be waiting.
    loss.catch(() => undefined)
    this.#underWay.set(path, loss)
    try {
      return await claiming
    } finally {
      if (this.#underWay.get(path) === loss) this.#underWay.delete(path)
    }
  }

  async #begin<T>(claim: () => Promise<T>): Promise<T> {
    this.#claiming += 1
    try {
      return await claim()
    } finally {
      this.#claiming -= 1
      this.#goOn(MOST_AT_ONCE)
    }
  }

  #goOn(most: number): void {
    for (const begin of this.#waiting) {
      if (this.#claiming >= most) return
      this.#waiting.delete(begin)
      begin()
    }
  }

  /** The store's history was replaced: of claims on their way there is nothing to be learned. */
  reset(): void {
    this.#underWay.clear()
  }
}

function lossTo(winner: Pick<Entry, 'text' | 'lease' | 'token'>): Loss {
  const { token: revision } = winner
  return { won: false, entry: { ...winner, revision }, revision }
}
