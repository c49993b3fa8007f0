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
import { UnreachableError } from '../errors.js'
import { Calls, Time } from './etcdjs-calls.js'
import { assertHostsAreSplit, type Etcdjs } from './etcdjs-client.js'
import {
  COMPARE_FAILED,
  EXISTS,
  isNo,
  NOT_A_FILE,
  NOT_FOUND,
  type NoError,
} from './etcdjs-errors.js'
import { type HeldLease, Holding, Leases } from './etcdjs-lease.js'
import { Watches } from './etcdjs-watch.js'
import type { Call, Claim, Lease, Reign, Sighting, Store, Watch, WatchListener } from './store.js'

const READ_WITHIN_MS = 2_000
/** When a notice is not confirmed after so long, its answer may be lost. */
const NOTICE_MS = 100
/** What is to be compared with goes into the address, which servers and proxies take up to 8 kB of. */
const LONGEST_COMPARED = 4_000
/** No index is as large: comparing with it always fails, and tells the store’s index. */
const NO_INDEX = Number.MAX_SAFE_INTEGER

export class EtcdjsStore implements Store {
  readonly #calls: Calls
  readonly #leases = new Leases()
  readonly #watches: Watches

  /** @throws TypeError when etcdjs was given several hosts in one string. */
  constructor(client: Etcdjs) {
    assertHostsAreSplit(client)
    this.#calls = new Calls(client)
    this.#watches = new Watches(this.#calls, {
      sighting: (path, { node, index }) => ({
        entry: node && this.#leases.entry(path, node),
        revision: index,
      }),
      look: (path) => this.#look(path, new Time({ withinMs: READ_WITHIN_MS })),
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
    await Promise.all(holdings.map((holding) => this.#refresh(holding, time)))
    held.renewed(begunAt)
    return held.ttlMs
  }

  async revoke(lease: Lease, call: Call): Promise<void> {
    const time = new Time(call)
    const held = this.#leases.end(lease)
    if (held === undefined) return
    await Promise.all([
      ...[...held.holdings].map((holding) => this.#delete(holding, time)),
      ...[...held.lost].map(([path, text]) => this.#deleteLost(path, text, time)),
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
    const holding = await this.#holding(path, reign, time)
    return holding === null ? null : await this.#write(holding, text, time)
  }

  async release(path: string, reign: Reign, notice: string | null, call: Call): Promise<boolean> {
    const time = new Time(call)
    const holding = await this.#holding(path, reign, time)
    if (holding === null) return false
    holding.isLeaving = true
    if (notice === null) return await this.#delete(holding, time)
    const told = this.#write(holding, notice, time)
    const first = await Promise.race([told, after(NOTICE_MS)])
    if (first === null) return false
    if (first === undefined && encodeURIComponent(notice).length < LONGEST_COMPARED) {
      told.catch(() => undefined)
      if (await this.#deleteNotice(holding, notice, time)) return true
    }
    return (await told) !== null && (await this.#delete(holding, time))
  }

  async read(path: string, call: Call): Promise<Sighting> {
    const time = new Time(call)
    for (;;) {
      // Only an answer that is no tells the index.
      const { code, index } = await this.#compareInVain(path, time)
      if (code === NOT_FOUND) return { entry: null, revision: index }
      const node = await this.#calls.get(path, time.left)
      if (node !== null) {
        const entry = this.#leases.entry(path, node)
        return { entry, revision: Math.max(index, entry.revision) }
      }
    }
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    return this.#watches.watch(path, from, listener)
  }

  rest(): void {
    this.#calls.rest()
  }

  async #look(path: string, time: Time): Promise<Sighting> {
    const node = await this.#calls.get(path, time.left)
    if (node === null) return await this.read(path, time.left)
    return { entry: this.#leases.entry(path, node), revision: node.modifiedIndex }
  }

  async #compareInVain(path: string, time: Time): Promise<NoError> {
    try {
      await this.#calls.delete(path, { prevIndex: NO_INDEX }, time.left)
    } catch (thrown) {
      if (isNo(thrown, NOT_FOUND, COMPARE_FAILED, NOT_A_FILE)) return thrown
      throw thrown
    }
    throw new Error(`etcd: ${path} had an index that no node can have`)
  }

  /** A claim that was carried out counts once no renewal of its lease has passed it by. */
  async #won(
    holding: Holding,
    held: HeldLease,
    renewals: number,
    time: Time,
  ): Promise<Claim | null> {
    for (let begun = renewals; held.renewals !== begun; ) {
      begun = held.renewals
      if (!(await this.#refresh(holding, time))) return null
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

  /** What stands there by that reign, whether this store has claimed it or has only met it. */
  async #holding(path: string, reign: Reign, time: Time): Promise<Holding | null> {
    const known = this.#leases.holding(path, reign)
    if (known !== null) return known
    const node = await this.#calls.get(path, time.left)
    if (node === null || node.ttl === null) return null
    const { token, lease } = this.#leases.entry(path, node)
    return token === reign.token && lease === reign.lease
      ? new Holding(path, { id: lease, ttl: node.ttl }, node)
      : null
  }

  async #refresh(holding: Holding, time: Time): Promise<boolean> {
    const { path, ttl } = holding
    const index = await this.#during(holding, time, async (prevIndex) => {
      const { modifiedIndex } = await this.#calls.refresh(path, { ttl, prevIndex }, time.left)
      return modifiedIndex
    })
    return index !== null
  }

  /** One after the other, so that what was to be written last is. */
  #write(holding: Holding, text: string, time: Time): Promise<number | null> {
    const { path, ttl } = holding
    const written = holding.written.then(() =>
      this.#during(holding, time, async (prevIndex) => {
        holding.mayBe(text)
        const { modifiedIndex } = await this.#calls.set(path, text, { ttl, prevIndex }, time.left)
        return modifiedIndex
      }),
    )
    holding.written = written.catch(() => undefined)
    return written
  }

  async #delete(holding: Holding, time: Time): Promise<boolean> {
    const index = await this.#during(holding, time, async (prevIndex) => {
      try {
        await this.#calls.delete(holding.path, { prevIndex }, time.left)
      } catch (thrown) {
        if (!isNo(thrown, NOT_FOUND) || !thrown.isRepeated) throw thrown
      }
      return prevIndex
    })
    if (index !== null) this.#leases.forget(holding)
    return index !== null
  }

  /** Deletes the notice, and nothing else, although its index is not known. */
  async #deleteNotice(holding: Holding, notice: string, time: Time): Promise<boolean> {
    try {
      await this.#calls.delete(holding.path, { prevValue: notice }, time.left)
    } catch (thrown) {
      if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED)) throw thrown
      // Otherwise it has come before the notice.
      if (thrown.code === COMPARE_FAILED || !thrown.isRepeated) return false
    }
    this.#leases.forget(holding)
    return true
  }

  async #deleteLost(path: string, text: string, time: Time): Promise<void> {
    const { entry } = await this.#look(path, time)
    if (entry === null || entry.lease === null || entry.text !== text) return
    try {
      await this.#calls.delete(path, { prevIndex: entry.revision }, time.left)
    } catch (thrown) {
      if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED)) throw thrown
    }
  }

  /**
   * Does something to the node of a reign, by comparing with its index. That index may have moved on
   * by another of our requests; so it is looked up again as long as what stands there is our own.
   * Resolves with the new index, or `null` when the reign is over.
   */
  async #during(
    holding: Holding,
    time: Time,
    act: (prevIndex: number) => Promise<number>,
  ): Promise<number | null> {
    const { path } = holding
    for (;;) {
      const { index } = holding
      try {
        holding.moveTo(await act(index))
        return holding.index
      } catch (thrown) {
        if (!isNo(thrown, NOT_FOUND, COMPARE_FAILED, NOT_A_FILE)) throw thrown
        if (thrown.code === COMPARE_FAILED && holding.index !== index) continue
        const sighting =
          thrown.code === NOT_FOUND
            ? { entry: null, revision: thrown.index }
            : await this.#look(path, time)
        if (holding.isAt(sighting.entry)) {
          holding.moveTo(sighting.entry.revision)
          continue
        }
        this.#leases.forget(holding)
        // The node whose reign it was shall not have to wait for the watch.
        this.#watches.learned(path, sighting)
        return null
      }
    }
  }
}

function after(delayMs: number): Promise<undefined> {
  return setTimeout(delayMs, undefined, { ref: false })
}
