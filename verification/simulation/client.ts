import type { Clock } from '../../src/clock.js'
import { UnconfirmedError } from '../../src/errors.js'
import type { Terms } from '../../src/stores/etcd/history.js'
import type { confirmsRenewal } from '../../src/stores/etcd/renewal.js'
import type { Link, RequestKind } from '../../src/stores/link.js'
import type {
  Call,
  Candidacy,
  Candidates,
  CandidatesListener,
  Claim,
  Lease,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../../src/stores/store.js'
import type { Member, MemberHeader } from './member.js'

/** What a client goes by. */
export interface ClientRules {
  readonly confirmsRenewal: typeof confirmsRenewal
  /** Whether it tells that the history was replaced. */
  readonly tellsResets: boolean
}

/**
 * One process's client of a simulated etcd: as EtcdStore, it counts a renewal only if the terms in
 * three answers are the same, and knows terms from the answers that have arrived.
 */
export class Client implements Store {
  /** Those of the store, if it has any. */
  readonly candidates?: Candidates
  readonly #store: Store
  readonly #member: Member
  readonly #link: Link
  readonly #clock: Clock
  readonly #rules: ClientRules
  readonly #granted = new Set<string>()
  #terms: Terms = new Map()

  /** @param clock The link's. */
  constructor(store: Store, member: Member, link: Link, clock: Clock, rules: ClientRules) {
    this.#store = store
    this.#member = member
    this.#link = link
    this.#clock = clock
    this.#rules = rules
    if (store.candidates !== undefined) this.candidates = this.#served(store.candidates)
    link.onReset(() => {
      this.#terms = new Map()
      this.#granted.clear()
    })
  }

  /** Whether the lease was granted to this process, in the history that it knows. */
  isOwn(leaseId: string | null): boolean {
    return leaseId !== null && this.#granted.has(leaseId)
  }

  async grant(ttl: number, call: Call): Promise<Lease> {
    const lease = await this.#request('own', call, () => this.#store.grant(ttl, call))
    this.#granted.add(lease.id)
    return lease
  }

  async renew(lease: Lease, { timeoutMs }: Call): Promise<number> {
    const endsAt = this.#clock.now() + timeoutMs
    const termsBefore = this.#terms
    const { ttlMs, header } = await this.#link.request('own', { timeoutMs }, () =>
      this.#member.renew(lease),
    )
    this.#hear(header)
    const after = await this.#link.request(
      'linearizable',
      { timeoutMs: endsAt - this.#clock.now() },
      async () => this.#member.header,
    )
    this.#hear(after)
    if (this.#rules.confirmsRenewal(termsBefore, header, after)) return ttlMs
    throw new UnconfirmedError('the renewal may not count')
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.#request('own', call, () => this.#store.revoke(lease, call))
  }

  claim(
    path: string,
    text: string,
    lease: Lease,
    call: Call,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    return this.#request('write', call, () => this.#store.claim(path, text, lease, call, candidacy))
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    return this.#request('write', call, () => this.#store.propose(path, text, reign, call))
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void> {
    return this.#request('write', call, () => this.#store.release(path, reign, notice, call))
  }

  read(path: string, call: Call): Promise<Sighting> {
    return this.#request('linearizable', call, () => this.#store.read(path, call))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    let isOpen = true
    const watch = this.#link.watch(path, from, {
      seen: (sighting) =>
        this.#member.hear(() => {
          if (isOpen) listener.seen(sighting)
        }),
      retrying: (error, attempt) => listener.retrying(error, attempt),
      refused: (error) => listener.refused(error),
    })
    return {
      close() {
        isOpen = false
        watch.close()
      },
    }
  }

  onReset(listener: () => void): void {
    if (this.#rules.tellsResets) this.#link.onReset(listener)
  }

  closeIdle(): void {}

  #served(of: Candidates): Candidates {
    return {
      enter: (path, candidacy, lease, call) =>
        this.#request('write', call, () => of.enter(path, candidacy, lease, call)),
      leave: (path, instance, call) =>
        this.#request('write', call, () => of.leave(path, instance, call)),
      list: (path, call) => this.#request('linearizable', call, () => of.list(path, call)),
      follow: (path, from, listener) => this.#follow(path, from, listener),
      askTransfer: (path, to, lease, call) =>
        this.#request('write', call, () => of.askTransfer(path, to, lease, call)),
      isOverdue: (lease, call) => this.#isOverdue(lease, call),
      install: (path, reign, choice, call) =>
        this.#request('write', call, () => of.install(path, reign, choice, call)),
    }
  }

  /** As the path itself is watched: told by the member, over the link. */
  #follow(path: string, from: number, listener: CandidatesListener): Watch {
    let isOpen = true
    const hear = (tell: () => void) =>
      this.#member.hear(() => {
        if (isOpen) tell()
      })
    const watch = this.#link.candidates?.follow(path, from, {
      entered: (candidate) => hear(() => listener.entered(candidate)),
      left: (instance) => hear(() => listener.left(instance)),
      lost: () => hear(() => listener.lost()),
      asked: (request) => hear(() => listener.asked?.(request)),
    })
    return {
      close() {
        isOpen = false
        watch?.close()
      },
    }
  }

  async #isOverdue(lease: string, { timeoutMs }: Call): Promise<boolean> {
    const { isOverdue, header } = await this.#link.request('own', { timeoutMs }, () =>
      this.#member.isOverdue(lease),
    )
    this.#hear(header)
    return isOverdue
  }

  async #request<Answer>(
    kind: RequestKind,
    call: Call,
    carryOut: () => Promise<Answer>,
  ): Promise<Answer> {
    const { answer, header } = await this.#link.request(kind, call, async () => {
      const answer = await carryOut()
      return { answer, header: this.#member.header }
    })
    this.#hear(header)
    return answer
  }

  #hear({ member_id, raft_term }: MemberHeader): void {
    if (this.#terms.get(member_id) === raft_term) return
    this.#terms = new Map([...this.#terms, [member_id, raft_term]])
  }
}
