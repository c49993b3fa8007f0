import { systemClock } from '../../clock.js'
import { type Call, type Lease, type Store, UnreachableError } from '../../index.js'
import { Link, type Message, type RequestKind } from '../../stores/link.js'

/** The connection of one node of the demo, and what is left of it once that node has been killed. */
export class DemoLink extends Link {
  readonly #store: Store
  readonly #answered: () => void
  /** Leases that were granted and not revoked over this link. */
  readonly #leases = new Set<Lease>()

  /** `answered` is called at every answer that arrives. */
  constructor(store: Store, answered: () => void) {
    super(store, systemClock)
    this.#store = store
    this.#answered = answered
  }

  /** Ends, whatever has become of the link, the leases that are left. */
  async sweep(call: Call): Promise<void> {
    if (this.#leases.size === 0) return
    const leases = [...this.#leases]
    this.#leases.clear()
    await Promise.allSettled(leases.map((lease) => this.#store.revoke(lease, call)))
    this.#store.closeIdle()
  }

  override grant(ttl: number, call: Call): Promise<Lease> {
    const grant = async () => {
      const lease = await this.#store.grant(ttl, call)
      this.#leases.add(lease)
      return lease
    }
    return this.request('own', call, grant, 'grant')
  }

  override revoke(lease: Lease, call: Call): Promise<void> {
    const revoke = async () => {
      await this.#store.revoke(lease, call)
      this.#leases.delete(lease)
    }
    return this.request('own', call, revoke, 'revoke')
  }

  override async request<Answer>(
    kind: RequestKind,
    call: Call,
    carryOut: () => Promise<Answer>,
    of?: Message['call'],
  ): Promise<Answer> {
    try {
      const answer = await super.request(kind, call, carryOut, of)
      this.#answered()
      return answer
    } catch (error) {
      if (!(error instanceof UnreachableError)) this.#answered()
      throw error
    }
  }
}
