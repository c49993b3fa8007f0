/**
 * etcd’s v2 API, through the user’s own etcdjs object.
 *
 * v2 has no leases: each record has a ttl of its own, which this process starts anew as long as its
 * lease is renewed (`refresh`, of which watches are not told), and a lease is what this process
 * remembers. So others see no lease of ours, and nobody can revoke one from outside. A reign is a
 * node with a ttl and its `createdIndex`, which is the token: compare-and-swap and refresh keep it,
 * a plain set replaces it.
 *
 * v2 turns a ttl into a time of the wall clock of the member that takes the request, and the raft
 * leader compares it with its own wall clock. So here validity also rests on the members’ clocks
 * agreeing: when they do not, by more than the margin, a record may expire before its validity ends.
 */
import { setTimeout } from 'node:timers/promises'
import { UnreachableError } from '../../errors.js'
import { isAny } from '../is-any.js'
import type {
  Call,
  Claim,
  Lease,
  ObserveListener,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../store.js'
import type { V2Node } from './answers.js'
import { Calls } from './calls.js'
import { assertHostsAreSplit, type Etcdjs, warnOfPlainPasswords } from './client.js'
import { DirectoryObserver } from './directory-observer.js'
import { EXISTS, isNo, type NoError } from './errors.js'
import { type HeldLease, type Holding, Leases } from './leases.js'
import { Watches } from './long-polls.js'
import { Reigns } from './records.js'
import { Time } from './time.js'

const READ_WITHIN_MS = 2_000
/** When a notice is not confirmed after so long, its answer may be lost. */
const NOTICE_MS = 100
/** What is to be compared with goes into the address, which servers and proxies take up to 8 kB of. */
const LONGEST_COMPARED = 4_000

export class EtcdjsStore implements Store {
  readonly #calls: Calls
  readonly #leases = new Leases()
  readonly #watches: Watches
  readonly #reigns: Reigns
  readonly #observers = new Set<DirectoryObserver>()
  readonly #onReset = new Set<() => void>()

  /** @throws TypeError when etcdjs was given several hosts in one string. */
  constructor(client: Etcdjs) {
    assertHostsAreSplit(client)
    warnOfPlainPasswords(client)
    this.#calls = new Calls(client, () => this.#beginAnew())
    this.#reigns = new Reigns(this.#calls, this.#leases, (path, sighting) => {
      this.#watches.learned(path, sighting)
    })
    this.#watches = new Watches(this.#calls, {
      sighting: (path, { node, index }) => ({
        entry: node && this.#leases.entry(path, node),
        revision: index,
      }),
      look: (path) => this.#reigns.look(path, new Time({ timeoutMs: READ_WITHIN_MS })),
    })
  }

  async grant(ttl: number): Promise<Lease> {
    const { id, ttlMs } = this.#leases.grant(ttl)
    return { id, ttlMs }
  }

  /** Starts the ttl of all that the lease holds anew. */
  async renew(lease: Lease, call: Call): Promise<number> {
    const held = this.#leases.standing(lease)
    const begunAt = performance.now()
    held.renewals += 1
    const time = new Time(call)
    const holdings = [...held.holdings].filter(({ isLeaving }) => !isLeaving)
    // Of a reign that turns out to be over, the watch tells.
    await Promise.all(holdings.map((holding) => this.#reigns.refresh(holding, time)))
    held.renewed(begunAt)
    return held.ttlMs
  }

  async revoke(lease: Lease, call: Call): Promise<void> {
    const time = new Time(call)
    const held = this.#leases.end(lease)
    if (held === undefined) return
    await Promise.all([
      ...[...held.holdings].map((holding) => this.#reigns.delete(holding, time)),
      ...[...held.lost].map(([path, text]) => this.#reigns.deleteLost(path, text, time)),
    ])
  }

  async claim(path: string, text: string, lease: Lease, call: Call): Promise<Claim> {
    const held = this.#leases.standing(lease)
    const time = new Time(call)
    for (;;) {
      const { renewals } = held
      const written = this.#calls.set(path, text, { ttl: held.ttl, prevExist: false }, time.left)
      this.#leases.claiming(path, { text, leaseId: lease.id, answered: written })
      try {
        const holding = this.#leases.attach(path, held, await written)
        const claim = await this.#won(holding, held, renewals, time)
        if (claim !== null) return claim
      } catch (thrown) {
        if (thrown instanceof UnreachableError) held.lost.set(path, text)
        if (!isNo(thrown, EXISTS)) throw thrown
        const claim = await this.#met(path, text, held, thrown, time)
        if (claim !== null) return claim
        // What was in the way has gone.
      }
    }
  }

  async propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    const time = new Time(call)
    const holding = await this.#reigns.find(path, reign, time)
    return holding === null ? null : await this.#reigns.write(holding, text, time)
  }

  async release(path: string, reign: Reign, notice: string | null, call: Call): Promise<void> {
    const time = new Time(call)
    const holding = await this.#reigns.find(path, reign, time)
    if (holding === null) return
    holding.isLeaving = true
    if (notice === null) return await this.#reigns.delete(holding, time)
    const written = this.#reigns.write(holding, notice, time)
    const first = await Promise.race([written, after(NOTICE_MS)])
    if (first === undefined && encodeURIComponent(notice).length < LONGEST_COMPARED) {
      const deleted = this.#reigns.deleteNotice(holding, notice, time)
      if (await isAny([deleted, written.then((index) => index === null)])) return
    }
    if ((await written) !== null) await this.#reigns.delete(holding, time)
  }

  read(path: string, call: Call): Promise<Sighting> {
    return this.#reigns.read(path, new Time(call))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    return this.#watches.watch(path, from, listener)
  }

  /** Reads and watches the directory that the prefix is in. */
  observe(prefix: string, listener: ObserveListener): Watch {
    const means = {
      calls: this.#calls,
      entry: (path: string, node: V2Node) => this.#leases.entry(path, node),
      left: () => this.#observers.delete(observer),
    }
    const observer = new DirectoryObserver(means, prefix, listener)
    this.#observers.add(observer)
    return observer
  }

  onReset(listener: () => void): void {
    this.#onReset.add(listener)
  }

  closeIdle(): void {
    this.#calls.closeIdle()
  }

  /** Nothing of the history that is over is relied on, not even what the new one knows as well. */
  #beginAnew(): void {
    this.#leases.forgetAll()
    for (const listener of this.#onReset) listener()
    this.#watches.beginAnew()
    for (const observer of this.#observers) observer.beginAnew()
  }

  /**
   * A claim that was carried out counts once no renewal of its lease has passed it by, and if that
   * lease is not over meanwhile. Resolves `null` when its reign is over again already.
   */
  async #won(
    holding: Holding,
    held: HeldLease,
    renewals: number,
    time: Time,
  ): Promise<Claim | null> {
    try {
      this.#leases.standing(held)
    } catch (gone) {
      await this.#reigns.delete(holding, time)
      throw gone
    }
    for (let begun = renewals; held.renewals !== begun; ) {
      begun = held.renewals
      if (!(await this.#reigns.refresh(holding, time))) return null
    }
    return { won: true, token: holding.token }
  }

  /** What a claim has met. Resolves `null` when that has gone already. */
  async #met(
    path: string,
    text: string,
    held: HeldLease,
    no: NoError,
    time: Time,
  ): Promise<Claim | null> {
    const node = await this.#calls.get(path, time.left)
    if (node === null) return null
    // It may be another one's on its way: whose, its answer tells.
    await Promise.allSettled(this.#leases.claims(path, node).map(({ answered }) => answered))
    const entry = this.#leases.entry(path, node)
    const isOwn = entry.text === text && entry.lease !== null && !this.#leases.knows(path, node)
    if (isOwn && no.isRepeated) {
      // Its ttl may have been running for long, if an earlier claim has arrived late.
      return await this.#won(this.#leases.attach(path, held, node), held, held.renewals - 1, time)
    }
    if (isOwn) held.lost.set(path, text)
    return { won: false, entry, revision: Math.max(entry.revision, no.index) }
  }
}

function after(delayMs: number): Promise<undefined> {
  return setTimeout(delayMs, undefined, { ref: false })
}
