import type { ComparatorBuilder } from 'etcd3'
import type { IKeyValue, IRequestOp } from 'etcd3/lib/rpc.js'
import {
  LeaseGoneError,
  RefusedError,
  TooLargeError,
  UnconfirmedError,
  UnreachableError,
} from '../../errors.js'
import { candidateAt, candidatesAt, latestAt, reignAt } from '../candidates.js'
import { isAny } from '../is-any.js'
import type { Watched } from '../path-watcher.js'
import type {
  Call,
  Candidacy,
  Claim,
  Lease,
  ObserveListener,
  Reign,
  Sighting,
  Store,
  Watch,
  WatchListener,
} from '../store.js'
import { Batch, type Operation, type Outcome } from './batch.js'
import { loggingIn } from './connection/as-user.js'
import type { Endpoint, EtcdClient } from './connection/endpoint.js'
import { Endpoints } from './connection/failover.js'
import { entryFrom } from './entry.js'
import { CompactedError, LoginError, PermissionError, RenewableTlsError } from './errors.js'
import { EtcdCandidates } from './etcd-candidates.js'
import type { Header } from './history.js'
import { IdleTimeout } from './idle-timeout.js'
import { keyOf, keysOf, rangeOf } from './keys.js'
import { compareReign, deletionOf, putOf, type ReignKeys } from './reign.js'
import { confirmsRenewal, RenewalUnderway } from './renewal.js'
import { KeepAlive } from './streams/keep-alive.js'
import { PrefixObserver } from './streams/prefix-observer.js'
import { WatchHub } from './streams/watch-hub.js'

const READ_WITHIN_MS = 2_000
/** So many paths of a session are tried when some may no longer be read. */
const MOST_DENIED = 16
/** An answer is late when it takes so many times as long as those of late. */
const LATE_AFTER = 1.5
/** When etcd has answered nothing for so long, an answer may be lost. */
const SILENCE_MS = 100
/** A longer notice does not go into a request twice: etcd takes 1.5 MiB by default. */
const LONGEST_TWICE = 100_000

/** etcd v3: a reign is a key that is attached to a lease, and its create revision is the token. */
export class EtcdStore implements Store {
  readonly #members: readonly Endpoint[]
  readonly candidates: EtcdCandidates
  readonly #endpoints: Endpoints
  readonly #batch: Batch
  readonly #keepAlive: KeepAlive
  readonly #hub: WatchHub
  /** The renewals that are on their way. */
  readonly #underway = new Set<RenewalUnderway>()
  readonly #silence = new IdleTimeout(SILENCE_MS)
  /** Keys carry the client's namespace, which is known once there is a client. */
  #client: EtcdClient | null = null

  constructor(endpoints: readonly Endpoint[]) {
    this.#members = endpoints
    this.#endpoints = new Endpoints(endpoints)
    this.#batch = this.#batchOf('writing')
    const lists = this.#batchOf('asking who waits')
    this.candidates = new EtcdCandidates({
      keys: async () => keysOf(await this.#endpoints.current()),
      write: (operation) => this.#write(operation),
      list: (operation) => lists.run(operation),
      follow: (path, from, listener) => this.#hub.follow(path, from, listener),
      timeToLive: async (lease, { timeoutMs }) => {
        const call = { timeoutMs, isLinearizable: false }
        const { TTL, grantedTTL } = await this.#endpoints.run(
          'asking for a lease',
          call,
          (client, options) => client.leaseClient.leaseTimeToLive({ ID: lease }, options),
        )
        return { left: Number(TTL), granted: Number(grantedTTL) }
      },
    })
    this.#keepAlive = new KeepAlive(this.#endpoints)
    this.#hub = new WatchHub(this.#endpoints, {
      read: (path) => this.read(path, { timeoutMs: READ_WITHIN_MS }),
      mayRead: (watched) => this.#mayRead(watched),
      remembers: (revision) => this.#remembers(revision),
    })
  }

  async grant(ttl: number, { timeoutMs }: Call): Promise<Lease> {
    const call = { timeoutMs, isLinearizable: false }
    const { ID, TTL } = await this.#endpoints.run('opening a session', call, (client, options) =>
      client.leaseClient.leaseGrant({ TTL: Math.ceil(ttl) }, options),
    )
    this.candidates.forgetDenied()
    const lease = { id: ID, ttlMs: Number(TTL) * 1_000 }
    void this.#keepAlive.measure(lease, { timeoutMs })
    return lease
  }

  get renewalMs(): number {
    return this.#keepAlive.renewalMs
  }

  /**
   * A renewal that is answered need not be one that counts: `confirmsRenewal` says when it is.
   *
   * While one before it is on its way and not late, nothing is sent. Where an answer takes long, a
   * second request would come to nothing but the next renewal's having to wait for its answer.
   */
  async renew(lease: Lease, { timeoutMs }: Call, paths: Iterable<string>): Promise<number> {
    const endsAt = performance.now() + timeoutMs
    const lateMs = () => LATE_AFTER * this.#keepAlive.renewalMs
    // Those that begin meanwhile are among them.
    for (const before of this.#underway) {
      if (before.lease.id === lease.id && (await before.succeeds(lateMs, endsAt))) {
        throw new UnreachableError('renewing the session: the renewal before it was not late')
      }
    }
    const underway = new RenewalUnderway(lease, (onStep) =>
      this.#renew(lease, endsAt, paths, onStep),
    )
    this.#underway.add(underway)
    try {
      return await underway.ttlMs
    } finally {
      this.#underway.delete(underway)
    }
  }

  async #renew(
    lease: Lease,
    endsAt: number,
    paths: Iterable<string>,
    onStep: () => void,
  ): Promise<number> {
    const sentAt = performance.now()
    const call = { timeoutMs: endsAt - sentAt }
    const { ttlMs, header, termsBefore } = await this.#keepAlive.renew(lease, call)
    onStep()
    // A slow member leaves the read less time than it takes. The next renewal needs the connection.
    const fairMs = performance.now() - sentAt
    const after = await this.#readOneOf(paths, endsAt, fairMs)
    if (!confirmsRenewal(termsBefore, header, after)) {
      const terms = [termsBefore.get(header.member_id), header.raft_term, after.raft_term]
      // Whoever answers is asked something by each connection before it renews.
      const isUnknown = !termsBefore.has(header.member_id)
      const hint = isUnknown
        ? '; if that goes on: is a balancer on the way that changes members?'
        : ''
      throw new UnconfirmedError(
        `renewing the session: etcd’s members tell different raft terms (${terms.map((term) => term ?? 'none known').join(', then ')}), so that the renewal may not count${hint}`,
      )
    }
    return ttlMs
  }

  async revoke({ id }: Lease, { timeoutMs }: Call): Promise<void> {
    try {
      await this.#endpoints.run(
        'closing the session',
        { timeoutMs, isLinearizable: false },
        (client, options) => client.leaseClient.leaseRevoke({ ID: id }, options),
      )
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error
    }
  }

  async claim(
    path: string,
    text: string,
    lease: Lease,
    { timeoutMs }: Call,
    candidacy?: Candidacy,
  ): Promise<Claim> {
    return await this.#asPermitted(path, async (keys) => {
      const { key, reigning } = keys
      const entry =
        reigning === null || candidacy === undefined
          ? null
          : {
              key: await this.#key(candidateAt(path, candidacy.instance)),
              latest: await this.#key(latestAt(path)),
              others: rangeOf(await this.#key(candidatesAt(path))),
              ...candidacy,
            }
      const put = putOf(key, text, lease.id)
      const outcome = await this.#write({
        key,
        // Whoever may enter under any instance may write the other one.
        ...(entry && { beside: [entry.key] }),
        lease: lease.id,
        timeoutMs,
        compare: [{ key, target: 'Create', result: 'Equal', create_revision: 0 }],
        success: [
          put,
          ...(entry === null
            ? []
            : [
                { request_delete_range: { key: entry.key } },
                { request_range: { ...entry.others, count_only: true } },
              ]),
        ],
        failure: [
          { request_range: { key } },
          ...(entry === null ? [] : [putOf(entry.key, entry.text, lease.id)]),
        ],
        ...(entry && { latest: { key: entry.latest, value: entry.instance, in: 'failure' } }),
      })
      // Both branches are checked for permission, whichever is taken.
      this.#endpoints.mayRead(key)
      if (outcome.succeeded) {
        const won = { won: true, token: outcome.revision } as const
        const others = outcome.responses[2]?.response_range?.count
        return others === undefined ? won : { ...won, isAlone: Number(others) === 0 }
      }
      const kv = foundIn(outcome)
      if (kv === undefined) throw new Error(`etcd: neither claimed nor found ${path}`)
      const lost = { won: false, entry: entryFrom(kv), revision: outcome.revision } as const
      return entry === null ? lost : { ...lost, hasEntered: true }
    })
  }

  async propose(
    path: string,
    text: string,
    reign: Reign,
    { timeoutMs }: Call,
  ): Promise<number | null> {
    return await this.#asPermitted(path, async (keys) => {
      const put = putOf(keys.key, text, reign.lease)
      return await this.#during(reign, keys, [put], timeoutMs)
    })
  }

  async release(
    path: string,
    reign: Reign,
    notice: string | null,
    { timeoutMs }: Call,
  ): Promise<void> {
    await this.#asPermitted(path, async (keys) => {
      const steps = notice === null ? [] : this.#announce(keys, notice, reign, timeoutMs)
      const over = isAny(steps)
      for (const _ of steps) if (await this.#silence.unless(over)) return
      // There is no notice, an answer is late or lost, or a proposal has come in between.
      const deleted = this.#during(reign, keys, deletionOf(keys, reign), timeoutMs)
      if (!(await isAny([over, deleted.then(() => true)]))) await deleted
    })
  }

  async read(path: string, call: Call): Promise<Sighting> {
    const { kvs, header } = await this.#endpoints.run(`reading ${path}`, call, (client, options) =>
      client.kv.range({ key: keyOf(client, path) }, options),
    )
    const [kv] = kvs
    return { entry: kv === undefined ? null : entryFrom(kv), revision: Number(header.revision) }
  }

  onReset(listener: () => void): void {
    this.#endpoints.history.onReplaced(listener)
  }

  onReconnected(listener: () => void): void {
    this.#endpoints.onReconnected(listener)
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    return this.#hub.watch(path, from, listener)
  }

  /** Over a connection of its own, so that reading much of it costs no session anything. */
  observe(prefix: string, listener: ObserveListener): Watch {
    return new PrefixObserver(this.#members, prefix, listener)
  }

  /** etcd3's transaction builder, with the comparison that `reign` is not over already in it. */
  guard(path: string, { token, lease, created }: Reign): ComparatorBuilder {
    // The connection that the reign was won over may have been replaced by another.
    const client = this.#endpoints.connected ?? this.#client
    if (client === null) throw new Error('etcd: no reign without a connection')
    const during = client.if(path, 'Create', '==', created ?? token).and(path, 'Lease', '==', lease)
    const [endpoint] = this.#members
    const txn: EtcdClient['kv']['txn'] = (request, options) =>
      loggingIn(client, endpoint, () => client.kv.txn(request, options))
    // etcd3 logs in again for one of the answers only that ask for it, and its builder has no other way in.
    Reflect.set(during, 'kv', { txn })
    if (!this.candidates.mayEnter(path)) return during
    return during.and(reignAt(path), 'Mod', created === undefined ? '<' : '==', token)
  }

  closeIdle(): void {
    this.#hub.closeIdle()
    this.#keepAlive.closeIdle()
    this.#endpoints.closeIdle()
  }

  /** Writes the notice, and deletes it if that takes no more requests. Each tells whether `reign` is over. */
  #announce(keys: ReignKeys, notice: string, reign: Reign, timeoutMs: number): Promise<boolean>[] {
    if (notice.length > LONGEST_TWICE) {
      const put = putOf(keys.key, notice, reign.lease)
      const written = this.#during(reign, keys, [put], timeoutMs)
      return [written.then((revision) => revision === null)]
    }
    // Two that are alike are on their way together, and etcd may carry them out in either order: the
    // first writes the notice, and the second finds and deletes it.
    return [0, 1].map(() => this.#noticeOrDelete(keys, notice, reign, timeoutMs))
  }

  /**
   * Deletes the notice if it stands there, and writes it if not. Resolves with whether `reign` is over:
   * by that deletion, or because it was before.
   */
  async #noticeOrDelete(
    keys: ReignKeys,
    notice: string,
    reign: Reign,
    timeoutMs: number,
  ): Promise<boolean> {
    const { key, reigning } = keys
    const value = Buffer.from(notice)
    const compare = compareReign(keys, reign)
    const put = putOf(key, notice, reign.lease)
    const { succeeded, responses } = await this.#write({
      key,
      ...(reigning && { beside: [reigning] }),
      lease: reign.lease,
      timeoutMs,
      compare: [...compare, { key, target: 'Value', result: 'Equal', value }],
      success: deletionOf(keys, reign),
      failure: [{ request_txn: { compare, success: [put], failure: [] } }],
    })
    return succeeded || responses[0]?.response_txn?.succeeded === false
  }

  /** Does it only during `reign`. Resolves with the revision of that, or `null`. */
  async #during(
    reign: Reign,
    keys: ReignKeys,
    operations: readonly IRequestOp[],
    timeoutMs: number,
  ): Promise<number | null> {
    const { key, reigning } = keys
    const { succeeded, revision } = await this.#write({
      key,
      ...(reigning && { beside: [reigning] }),
      lease: reign.lease,
      timeoutMs,
      compare: compareReign(keys, reign),
      success: operations,
      failure: [],
    })
    return succeeded ? revision : null
  }

  /** Where this user may not do so with what stands beside the path, it is done without that. */
  async #asPermitted<Result>(
    path: string,
    request: (keys: ReignKeys) => Promise<Result>,
  ): Promise<Result> {
    const key = await this.#key(path)
    if (this.candidates.mayEnter(path)) {
      try {
        return await request({ key, reigning: await this.#key(reignAt(path)) })
      } catch (thrown) {
        if (!(thrown instanceof PermissionError)) throw thrown
      }
      const result = await request({ key, reigning: null })
      this.candidates.deny(path)
      return result
    }
    return await request({ key, reigning: null })
  }

  #batchOf(doing: string): Batch {
    return new Batch(async (request, timeoutMs) => {
      const { history } = this.#endpoints
      const { mark } = history
      const answer = await this.#endpoints.run(doing, { timeoutMs }, (client, options) =>
        client.kv.txn(request, options),
      )
      this.#silence.heard()
      if (history.isReplacedSince(mark)) {
        throw new UnreachableError(
          `${doing}: etcd’s history was replaced meanwhile; what it answers is of another one`,
        )
      }
      return answer
    })
  }

  /** A refusal says what it is about, which is not seen in a batch. */
  async #write(operation: Operation): Promise<Outcome> {
    try {
      return await this.#batch.run(operation)
    } catch (thrown) {
      if (!(thrown instanceof RefusedError)) throw thrown
      const kinds = [PermissionError, LoginError, RenewableTlsError, TooLargeError] as const
      const Kind = kinds.find((kind) => thrown instanceof kind) ?? RefusedError
      throw new Kind(`${operation.key}: ${thrown.message}`, { cause: thrown.cause })
    }
  }

  /** A linearizable read of the first of `paths` that may be read. Resolves with the answer's header. */
  async #readOneOf(paths: Iterable<string>, endsAt: number, fairMs: number): Promise<Header> {
    let denied: Error | null = null
    let left = MOST_DENIED
    for (const path of paths) {
      const timeoutMs = endsAt - performance.now()
      if (timeoutMs <= 0 || left === 0) break
      left -= 1
      try {
        const { header } = await this.#endpoints.run(
          'confirming the session’s renewal',
          { timeoutMs, fairMs },
          (client, options) =>
            client.kv.range({ key: keyOf(client, path), keys_only: true }, options),
        )
        return header
      } catch (error) {
        // A refusal has no header. Another node of the session may be allowed more.
        if (!(error instanceof PermissionError)) throw error
        denied = error
      }
    }
    throw denied ?? new UnreachableError('renewing the session: no time is left to confirm it')
  }

  async #mayRead({ path, isPrefix }: Watched): Promise<boolean> {
    try {
      await this.#endpoints.run(
        `reading ${path}`,
        { timeoutMs: READ_WITHIN_MS, isLinearizable: false },
        (client, options) => {
          const key = keyOf(client, path)
          const range = isPrefix ? { ...rangeOf(key), limit: 1 } : { key }
          return client.kv.range({ ...range, keys_only: true, serializable: true }, options)
        },
      )
      return true
    } catch (error) {
      if (error instanceof PermissionError) return false
      throw error
    }
  }

  async #remembers(revision: number): Promise<boolean> {
    try {
      await this.#endpoints.run(
        'reading',
        { timeoutMs: READ_WITHIN_MS, isLinearizable: false },
        (client, options) =>
          client.kv.range(
            { key: keyOf(client, 'locked'), revision, keys_only: true, serializable: true },
            options,
          ),
      )
      return true
    } catch (error) {
      if (error instanceof CompactedError) return false
      throw error
    }
  }

  async #key(path: string): Promise<Buffer> {
    this.#client = await this.#endpoints.current()
    return keyOf(this.#client, path)
  }
}

function foundIn({ responses }: Outcome): IKeyValue | undefined {
  return responses[0]?.response_range?.kvs[0]
}
