import { randomBytes } from 'node:crypto'
import { LeaseGoneError } from '../../errors.js'
import type { Entry, Lease, Reign } from '../store.js'
import type { V2Node } from './answers.js'

/** How many reigns that are over are remembered: a watch may tell of them a little later. */
const REMEMBERED = 1_000

/** So many texts of one reign are known by: a watch may tell of them a little later. */
const TEXTS = 16

/** One reign of this process: a node at a path, with a ttl that is started anew again and again. */
export class Holding {
  readonly path: string
  readonly token: number
  readonly leaseId: string
  readonly ttl: number
  /** The node’s latest `modifiedIndex` that is known. */
  index: number
  /** It is being released: its ttl is not started anew. */
  isLeaving = false
  /** Its reign was of a history that is over. */
  isPast = false
  /** Settles once the latest write has; it never rejects. */
  written: Promise<unknown> = Promise.resolve()
  readonly #texts: Set<string>

  constructor(path: string, { id, ttl }: Pick<HeldLease, 'id' | 'ttl'>, node: V2Node) {
    this.path = path
    this.token = node.createdIndex
    this.leaseId = id
    this.ttl = ttl
    this.#texts = new Set([node.text])
    this.index = node.modifiedIndex
  }

  /** From now on this text may stand there. */
  mayBe(text: string): void {
    this.#texts.delete(text)
    this.#texts.add(text)
    const [oldest] = this.#texts
    if (oldest !== undefined && this.#texts.size > TEXTS) this.#texts.delete(oldest)
  }

  /** Whether this reign may have written that. Compare-and-swap by another keeps the token. */
  hasWritten(text: string): boolean {
    return this.#texts.has(text)
  }

  isAt(entry: Entry | null): entry is Entry {
    return (
      entry !== null &&
      entry.token === this.token &&
      entry.lease !== null &&
      this.hasWritten(entry.text)
    )
  }

  moveTo(index: number): void {
    this.index = Math.max(this.index, index)
  }
}

/** A lease as this process keeps it: v2 has none. It is over `ttlMs` after its last renewal. */
export class HeldLease implements Lease {
  readonly id = `etcdjs-${randomBytes(8).toString('hex')}`
  readonly ttl: number
  readonly ttlMs: number
  readonly holdings = new Set<Holding>()
  /** Texts of claims that may have been carried out although nobody knows, by path. */
  readonly lost = new Map<string, string>()
  /** How many renewals have begun. */
  renewals = 0
  #endsAt: number

  /** v2 counts in whole seconds. */
  constructor(ttl: number) {
    this.ttl = Math.ceil(ttl)
    this.ttlMs = this.ttl * 1_000
    this.#endsAt = performance.now() + this.ttlMs
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt
  }

  /**
   * A renewal needs no read to confirm it, as one of v3’s does: there a raft leader renews leases on
   * its own word, even one that is deposed and does not know. Here a renewal is a write to each key,
   * and is answered once raft has committed it, by a quorum: a deposed leader has none.
   */
  renewed(begunAt: number): void {
    this.#endsAt = Math.max(this.#endsAt, begunAt + this.ttlMs)
  }
}

/** A claim on its way. */
export interface Claiming {
  readonly text: string
  readonly leaseId: string
  /** Settles once it is known how it went, or that it cannot be known. */
  readonly answered: Promise<unknown>
}

/** The leases of this process, and what they hold. */
export class Leases {
  readonly #leases = new Map<string, HeldLease>()
  readonly #holdings = new Map<string, Holding>()
  readonly #claims = new Map<string, Set<Claiming>>()
  /** The latest reigns that are over. */
  readonly #past = new Map<string, Holding>()

  grant(ttl: number): HeldLease {
    for (const lease of this.#leases.values()) if (lease.isOver) this.end(lease)
    const lease = new HeldLease(ttl)
    this.#leases.set(lease.id, lease)
    return lease
  }

  /** @throws LeaseGoneError */
  standing({ id }: Lease): HeldLease {
    const lease = this.#leases.get(id)
    if (lease !== undefined && !lease.isOver) return lease
    throw new LeaseGoneError(`lease ${id} no longer exists: grant a new one`)
  }

  /** From now on it holds nothing. Returns it, with what it held, if it was there. */
  end({ id }: Lease): HeldLease | undefined {
    const lease = this.#leases.get(id)
    this.#leases.delete(id)
    for (const holding of lease?.holdings ?? []) this.forget(holding)
    return lease
  }

  /** The store’s history was replaced: of these reigns nothing is left, whatever stands there. */
  forgetAll(): void {
    for (const holding of this.#holdings.values()) holding.isPast = true
    for (const known of [this.#leases, this.#holdings, this.#claims, this.#past]) known.clear()
  }

  attach(path: string, lease: HeldLease, node: V2Node): Holding {
    const holding = new Holding(path, lease, node)
    lease.holdings.add(holding)
    this.#holdings.set(nameOf(path, holding.token), holding)
    return holding
  }

  /** Its reign is over. */
  forget(holding: Holding): void {
    const { path, token, leaseId } = holding
    const name = nameOf(path, token)
    if (!this.#holdings.delete(name)) return
    this.#leases.get(leaseId)?.holdings.delete(holding)
    this.#past.set(name, holding)
    for (const oldest of this.#past.keys()) {
      if (this.#past.size <= REMEMBERED) break
      this.#past.delete(oldest)
    }
  }

  /** What this process holds by that reign. */
  holding(path: string, { token, lease }: Reign): Holding | null {
    const holding = this.#holdings.get(nameOf(path, token))
    return holding?.leaseId === lease ? holding : null
  }

  /** Counts as a claim on its way until it is answered. */
  claiming(path: string, claim: Claiming): void {
    const claims = this.#claims.get(path) ?? new Set()
    this.#claims.set(path, claims.add(claim))
    const over = () => {
      claims.delete(claim)
      if (claims.size === 0 && this.#claims.get(path) === claims) this.#claims.delete(path)
    }
    claim.answered.then(over, over)
  }

  /** Claims on their way, by which this node may have come to be. */
  claims(path: string, { text }: V2Node): readonly Claiming[] {
    return [...(this.#claims.get(path) ?? [])].filter((claim) => claim.text === text)
  }

  /** Whether that reign is, or was, one of this process that it knows of. */
  knows(path: string, { createdIndex }: V2Node): boolean {
    const name = nameOf(path, createdIndex)
    return this.#holdings.has(name) || this.#past.has(name)
  }

  entry(path: string, node: V2Node): Entry {
    const { text, createdIndex: token, modifiedIndex: revision, ttl } = node
    return { text, token, revision, lease: ttl === null ? null : this.#leaseOf(path, node) }
  }

  /** Other processes’ leases are not known: what expires and is not ours has one of its own. */
  #leaseOf(path: string, node: V2Node): string {
    const name = nameOf(path, node.createdIndex)
    const holding = this.#holdings.get(name) ?? this.#past.get(name)
    if (holding?.hasWritten(node.text)) return holding.leaseId
    return this.claims(path, node)[0]?.leaseId ?? `etcdjs-at-${node.createdIndex}`
  }
}

function nameOf(path: string, token: number): string {
  return `${token} ${path}`
}
