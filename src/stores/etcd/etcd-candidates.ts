import type { ICompare, IRequestOp } from 'etcd3/lib/rpc.js'
import {
  candidateAt,
  candidatesAt,
  instanceAt,
  latestAt,
  reignAt,
  transferAskedAt,
  transferRequestOf,
} from '../candidates.js'
import type {
  Call,
  Candidacy,
  Candidates,
  CandidatesListener,
  Choice,
  Competitors,
  Entry,
  Lease,
  Reign,
  Sighting,
  TransferRequest,
  Watch,
} from '../store.js'
import type { Operation, Outcome } from './batch.js'
import { entryFrom } from './entry.js'
import { PermissionError } from './errors.js'
import { type Keys, rangeOf } from './keys.js'
import { compareReign, putOf } from './reign.js'

/** How requests are made. */
interface Requests {
  /** The keys of the client in use. */
  keys(): Promise<Keys>
  write(operation: Operation): Promise<Outcome>
  /** Those of many paths travel together. */
  list(operation: Operation): Promise<Outcome>
  follow(path: string, from: number, listener: CandidatesListener): Watch
  /** In seconds, as etcd tells them; it has -1 left once it is gone. */
  timeToLive(
    lease: string,
    call: Call,
  ): Promise<{ readonly left: number; readonly granted: number }>
}

/** Where the entries are under no lease, an operation is sent with those that are under none either. */
const NO_LEASE = ''

/** Candidates as keys beside the path, each attached to the lease of its node's session. */
export class EtcdCandidates implements Candidates {
  readonly #requests: Requests
  /** The paths whose candidates this user may not write. */
  readonly #denied = new Set<string>()

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Whether this user may write the candidates of `path`, as far as is known. */
  mayEnter(path: string): boolean {
    return !this.#denied.has(path)
  }

  /** Permissions may have changed: it is tried again. */
  forgetDenied(): void {
    this.#denied.clear()
  }

  deny(path: string): void {
    this.#denied.add(path)
  }

  async enter(
    path: string,
    { instance, text }: Candidacy,
    lease: Lease,
    { timeoutMs }: Call,
  ): Promise<number> {
    if (!this.mayEnter(path)) return 0
    const keys = await this.#requests.keys()
    const [key, entry] = [keys.of(path), keys.of(candidateAt(path, instance))]
    try {
      const { revision } = await this.#requests.write({
        key: entry,
        beside: [key],
        lease: lease.id,
        timeoutMs,
        compare: [{ key, target: 'Create', result: 'Greater', create_revision: 0 }],
        success: [putOf(entry, text, lease.id)],
        failure: [],
        latest: { key: keys.of(latestAt(path)), value: instance, in: 'success' },
      })
      return revision
    } catch (thrown) {
      if (!(thrown instanceof PermissionError)) throw thrown
      this.deny(path)
      return 0
    }
  }

  async leave(path: string, instance: string, { timeoutMs }: Call): Promise<Sighting> {
    const keys = await this.#requests.keys()
    const [key, entry] = [keys.of(path), keys.of(candidateAt(path, instance))]
    const look = async (deletions: readonly IRequestOp[]): Promise<Sighting> => {
      const { responses, revision } = await this.#requests.write({
        key,
        beside: [entry],
        lease: NO_LEASE,
        timeoutMs,
        compare: [],
        success: [{ request_range: { key } }, ...deletions],
        failure: [],
      })
      const [kv] = responses[0]?.response_range?.kvs ?? []
      return { entry: kv === undefined ? null : entryFrom(kv), revision }
    }
    if (!this.mayEnter(path)) return await look([])
    try {
      return await look([{ request_delete_range: { key: entry } }])
    } catch (thrown) {
      if (!(thrown instanceof PermissionError)) throw thrown
      this.deny(path)
      return await look([])
    }
  }

  async list(path: string, { timeoutMs }: Call): Promise<Competitors> {
    const keys = await this.#requests.keys()
    const key = keys.of(path)
    const { responses, revision } = await this.#requests.list({
      key,
      lease: NO_LEASE,
      timeoutMs,
      compare: [],
      success: [
        { request_range: { key } },
        { request_range: rangeOf(keys.of(candidatesAt(path))) },
      ],
      failure: [],
    })
    const [[holder] = [], beside = []] = responses.map(({ response_range }) => response_range?.kvs)
    const request = beside.find((kv) => keys.pathAt(kv.key) === transferAskedAt(path))
    const asked = request ? requestFrom(entryFrom(request)) : null
    const waiting = beside
      .flatMap((kv) => {
        const instance = instanceAt(path, keys.pathAt(kv.key) ?? '')
        const { text, token: since, revision: changed, lease } = entryFrom(kv)
        return instance === null || lease === null
          ? []
          : [{ instance, text, since, revision: changed, lease }]
      })
      .sort((one, other) => one.since - other.since)
    return { entry: holder === undefined ? null : entryFrom(holder), waiting, asked, revision }
  }

  follow(path: string, from: number, listener: CandidatesListener): Watch {
    return this.#requests.follow(path, from, listener)
  }

  async askTransfer(
    path: string,
    to: string | null,
    { id }: Lease,
    { timeoutMs }: Call,
  ): Promise<void> {
    const keys = await this.#requests.keys()
    const key = keys.of(transferAskedAt(path))
    await this.#requests.write({
      key,
      lease: id,
      timeoutMs,
      compare: [],
      success: [putOf(key, to ?? '', id)],
      failure: [],
    })
  }

  /**
   * etcd tells whole seconds, rounded down, so that up to one more may be left: it says so once there is
   * surely less than half. A renewal is sent so much earlier as it takes, and arrives before that over a
   * slow network, too.
   */
  async isOverdue(lease: string, call: Call): Promise<boolean> {
    const { left, granted } = await this.#requests.timeToLive(lease, call)
    return left < 0 || left + 1 <= granted / 2
  }

  async install(
    path: string,
    reign: Reign,
    { instance, text, revision: mod_revision, lease, knownUpTo }: Choice,
    { timeoutMs }: Call,
  ): Promise<number | null> {
    const keys = await this.#requests.keys()
    const key = keys.of(path)
    const entry = keys.of(candidateAt(path, instance))
    const reigning = keys.of(reignAt(path))
    const { succeeded, revision } = await this.#requests.write({
      key,
      beside: [entry, reigning],
      // Should that lease be gone, the entry is gone too, so that nothing is written under it.
      lease,
      timeoutMs,
      compare: [
        ...compareReign({ key, reigning }, reign),
        { key: entry, target: 'Mod', result: 'Equal', mod_revision },
        ...(knownUpTo === undefined ? [] : [isLatest(keys.of(latestAt(path)), knownUpTo)]),
      ],
      success: [
        putOf(key, text, lease),
        putOf(reigning, instance, lease),
        { request_delete_range: { key: entry } } satisfies IRequestOp,
      ],
      failure: [],
    })
    return succeeded ? revision : null
  }
}

/** Compares that nobody has entered after that revision. */
function isLatest(key: Buffer, knownUpTo: number): ICompare {
  return { key, target: 'Mod', result: 'Less', mod_revision: knownUpTo + 1 }
}

function requestFrom({ text, revision }: Entry): TransferRequest {
  return transferRequestOf(text, revision)
}
