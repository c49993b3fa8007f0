import type { Call, Candidacy, Claim, Entry, Lease, Store } from '../stores/store.js'

/** A claim that found the path held, or will. */
type Loss = Extract<Claim, { won: false }>

/** Claims on their way, at most one for each path: the other nodes of a locker share what it finds. */
export class Claims {
  readonly #store: Store
  readonly #underWay = new Map<string, Promise<Loss>>()

  constructor(store: Store) {
    this.#store = store
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

  /** The store's history was replaced: of claims on their way there is nothing to be learned. */
  reset(): void {
    this.#underWay.clear()
  }
}

function lossTo(winner: Pick<Entry, 'text' | 'lease' | 'token'>): Loss {
  const { token: revision } = winner
  return { won: false, entry: { ...winner, revision }, revision }
}
