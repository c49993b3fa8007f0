import type { Clock } from '../../src/clock.js'
import { LeaseGoneError } from '../../src/errors.js'
import type { Header } from '../../src/stores/etcd/history.js'
import { type LeaseState, type MemoryStore, OVERDUE_LEFT } from '../../src/stores/memory.js'
import type { Lease } from '../../src/stores/store.js'
import type { Deposition } from './schedule.js'

/** What an answer tells of the member that gives it. */
export type MemberHeader = Pick<Header, 'member_id' | 'raft_term'>

/** The raft of a simulated etcd, as far as its members tell of it. */
export interface Raft {
  term: number
}

/** A renewal that was answered, whether the store has heard of it or not. */
interface Renewal {
  readonly ttlMs: number
  readonly header: MemberHeader
}

/** What a member says of a lease, whether the store has it so or not. */
interface LeaseAnswer {
  readonly isOverdue: boolean
  readonly header: MemberHeader
}

/** A raft leader that was deposed, and does not know it. */
interface DeposedLeader {
  readonly how: Deposition
  readonly term: number
  /** The leases that it knows, and when they end as far as it knows. */
  readonly leases: Map<string, Lease & { readonly endsAt: number }>
  /** What it does when it goes on, or hears of the others again. */
  readonly later: (() => void)[]
}

const ID = 'connected'
const OTHER_ID = 'other'

/**
 * The member of etcd that one process is connected to. What it does is done to the store, except
 * where it has to do with a raft leader that was deposed: that one renews leases on its own word, and
 * the store does not keep them. It says on its own word as well how much of a lease is left.
 */
export class Member {
  readonly #store: Pick<MemoryStore, 'renew' | 'candidates'>
  readonly #raft: Raft
  /** The store's. */
  readonly #clock: Clock
  #deposed: DeposedLeader | null = null

  constructor(store: Pick<MemoryStore, 'renew' | 'candidates'>, raft: Raft, clock: Clock) {
    this.#store = store
    this.#raft = raft
    this.#clock = clock
  }

  /** Whether it hears nothing of what happens at the store. */
  get isCutOff(): boolean {
    return this.#deposed !== null
  }

  /**
   * The header of an answer other than to a renewal. For that a member needs to hear of a raft leader
   * that a quorum follows, and then knows its term: until then another one answers.
   */
  get header(): MemberHeader {
    return { member_id: this.isCutOff ? OTHER_ID : ID, raft_term: String(this.#raft.term) }
  }

  /** Has it told to those who watch, once it has heard of it itself. */
  hear(tell: () => void): void {
    if (this.#deposed === null) tell()
    else this.#deposed.later.push(tell)
  }

  /** Its raft leader is deposed, and knows only these leases. */
  depose(how: Deposition, leases: readonly LeaseState[]): void {
    this.recover()
    const { term } = this.#raft
    this.#raft.term += 1
    const now = this.#clock.now()
    const known = leases.map(({ leftMs, ...lease }) => ({ ...lease, endsAt: now + leftMs }))
    const byId = new Map(known.map((lease) => [lease.id, lease]))
    this.#deposed = { how, term, leases: byId, later: [] }
  }

  /** The leader that was deposed hears of it, after it has answered what waited for it. */
  recover(): void {
    const later = this.#deposed?.later ?? []
    this.#deposed = null
    for (const goOn of later) goOn()
  }

  async renew(lease: Lease): Promise<Renewal> {
    const deposed = this.#deposed
    if (deposed === null) {
      // The rule that follows is the client's: nobody asks here whether it counts.
      const ttlMs = await this.#store.renew(lease)
      return { ttlMs, header: this.header }
    }
    const header = await this.#headerOf(deposed)
    if (!deposed.leases.has(lease.id)) throw new LeaseGoneError('lease unknown')
    const endsAt = this.#clock.now() + lease.ttlMs
    deposed.leases.set(lease.id, { ...lease, endsAt })
    return { ttlMs: lease.ttlMs, header }
  }

  /** Whether that lease is gone or was not renewed when it was due, as far as the member knows. */
  async isOverdue(lease: string): Promise<LeaseAnswer> {
    const deposed = this.#deposed
    if (deposed === null) {
      const isOverdue = await this.#store.candidates.isOverdue(lease, {
        timeoutMs: Number.POSITIVE_INFINITY,
      })
      return { isOverdue, header: this.header }
    }
    const header = await this.#headerOf(deposed)
    const known = deposed.leases.get(lease)
    const leftMs = (known?.endsAt ?? 0) - this.#clock.now()
    return { isOverdue: known === undefined || leftMs < known.ttlMs * OVERDUE_LEFT, header }
  }

  /** The header of an answer that it gives on its word, once it gives one. */
  async #headerOf({ how, term, later }: DeposedLeader): Promise<MemberHeader> {
    if (how === 'isolated') return { member_id: ID, raft_term: String(term) }
    const termByThen = await new Promise<number>((resolve) => {
      // The next raft leader may be deposed before this goes on: that term it cannot know.
      later.push(() => resolve(this.#raft.term))
    })
    // A member that had asked it may have changed sides when the answer comes.
    return { member_id: ID, raft_term: String(how === 'asked' ? termByThen : term) }
  }
}
