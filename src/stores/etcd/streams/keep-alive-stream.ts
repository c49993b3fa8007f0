import { errorFrom, LeaseGoneError, UnreachableError } from '../../../errors.js'
import type { Call, Lease } from '../../store.js'
import type { Endpoints, EtcdClient } from '../connection/failover.js'
import { storeError } from '../errors.js'
import type { Header, Mark, Terms } from '../history.js'
import { type Opened, openStream, type Stream } from './open-stream.js'

interface KeepAliveRequest {
  ID: string
}

interface KeepAliveResponse {
  readonly ID: string
  readonly TTL: string
  readonly header: Header
}

type RawStream = Stream<KeepAliveRequest, KeepAliveResponse>

/** A renewal that was answered. Whether it counts is another question. */
export interface Renewal {
  /** The granted ttl, in milliseconds. */
  readonly ttlMs: number
  readonly header: Header
  /** The terms that members were known to be in before it was sent. */
  readonly termsBefore: Terms
}

interface Pending {
  readonly mark: Mark
  readonly termsBefore: Terms
  givenUp: boolean
  resolve(renewal: Renewal): void
  reject(error: Error): void
}

/** Renews leases over one stream, which stays open as long as its member is in use. */
export class KeepAlive {
  readonly #endpoints: Endpoints
  readonly #unsent = new Map<string, Promise<Renewal>>()
  #line: Promise<Line> | null = null

  constructor(endpoints: Endpoints) {
    this.#endpoints = endpoints
    endpoints.onGivenUp(() => this.#leave((line) => line.retire()))
  }

  /**
   * Resolves once a member has answered. When an earlier renewal of the same lease is
   * still unanswered, its member is doubted, and left for another one that answers sooner; should
   * its answer come all the same, it counts.
   */
  renew(lease: Lease, { timeoutMs }: Call): Promise<Renewal> {
    // While there is no connection, one renewal waits for it on behalf of all.
    const unsent = this.#unsent.get(lease.id)
    if (unsent !== undefined) return unsent
    const renewing = this.#renew(lease, timeoutMs)
    this.#unsent.set(lease.id, renewing)
    return renewing
  }

  /** Ends the stream; what is unanswered fails. */
  closeIdle(): void {
    this.#leave((line) => line.end())
  }

  async #renew({ id }: Lease, timeoutMs: number): Promise<Renewal> {
    try {
      let line = await this.#open()
      if (line.awaits(id)) {
        const doubted = line
        let owes = true
        const answered = line.answered(id).then(() => {
          owes = false
        })
        await Promise.race([answered, this.#endpoints.doubt(line.client, () => owes)])
        line = await this.#open()
        if (line === doubted) {
          throw new UnreachableError(
            'renewing the session: the renewal before it was answered late',
          )
        }
      }
      this.#unsent.delete(id)
      return await line.renew(id, timeoutMs)
    } finally {
      this.#unsent.delete(id)
    }
  }

  #leave(how: (line: Line) => void): void {
    void this.#line?.then(how, () => undefined)
    this.#line = null
  }

  #open(): Promise<Line> {
    if (this.#line !== null) return this.#line
    const opening = this.#connect(() => {
      if (this.#line === opening) this.#line = null
    })
    this.#line = opening
    return opening
  }

  async #connect(onEnd: () => void): Promise<Line> {
    try {
      const { client, stream }: Opened<RawStream> = await openStream(this.#endpoints, {
        doing: 'renewing the session',
        context: { service: 'Lease', method: 'leaseKeepAlive', isStream: true },
        open: (client, options) => client.leaseClient.leaseKeepAlive(options),
      })
      return new Line(client, stream, this.#endpoints, (error) => {
        onEnd()
        if (error instanceof UnreachableError) this.#endpoints.giveUp(client)
      })
    } catch (thrown) {
      onEnd()
      throw storeError('renewing the session', thrown)
    }
  }
}

/** One keep-alive stream. etcd answers a lease's requests in the order in which they were sent. */
class Line {
  readonly client: EtcdClient
  readonly #stream: RawStream
  readonly #endpoints: Endpoints
  readonly #pending = new Map<string, Pending[]>()
  readonly #onAnswered = new Map<string, (() => void)[]>()
  #retired = false

  constructor(
    client: EtcdClient,
    stream: RawStream,
    endpoints: Endpoints,
    onEnd: (error: Error) => void,
  ) {
    this.client = client
    this.#stream = stream
    this.#endpoints = endpoints
    stream.on('data', (response) => this.#answer(response))
    stream.on('error', (thrown) => {
      const error = storeError('renewing the session', errorFrom(thrown))
      this.#fail(error)
      if (!this.#retired) onEnd(error)
    })
    stream.on('end', () => {
      const error = new UnreachableError('renewing the session: etcd ended the stream')
      this.#fail(error)
      if (!this.#retired) onEnd(error)
    })
  }

  awaits(id: string): boolean {
    return this.#pending.has(id)
  }

  /** Resolves once nothing is awaited for this lease any more. */
  answered(id: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.awaits(id)) this.#onAnswered.set(id, [...(this.#onAnswered.get(id) ?? []), resolve])
      else resolve()
    })
  }

  renew(id: string, timeoutMs: number): Promise<Renewal> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        one.givenUp = true
        reject(new UnreachableError(`renewing the session: no answer within ${timeoutMs} ms`))
        this.#endIfRetired()
      }, timeoutMs)
      const { mark, terms: termsBefore } = this.#endpoints.history
      const one: Pending = {
        mark,
        termsBefore,
        givenUp: false,
        resolve(renewal) {
          clearTimeout(timer)
          resolve(renewal)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      const waiting = this.#pending.get(id)
      if (waiting === undefined) this.#pending.set(id, [one])
      else waiting.push(one)
      this.#stream.write({ ID: id })
    })
  }

  /** Ends the stream once nothing is waited for. */
  retire(): void {
    this.#retired = true
    this.#endIfRetired()
  }

  end(): void {
    this.#retired = true
    this.#stream.cancel()
    this.#fail(new UnreachableError('renewing the session: the connection was closed'))
  }

  #answer({ ID, TTL, header }: KeepAliveResponse): void {
    const waiting = this.#pending.get(ID)
    // One that nobody waits for any more keeps its turn: its answer must not pass for a later one's,
    // which would prolong validity by more than the store did.
    const one = waiting?.shift()
    if (waiting?.length === 0) {
      this.#pending.delete(ID)
      this.#tellAnswered(ID)
    }
    if (one !== undefined) {
      const { mark, termsBefore } = one
      this.#endpoints.hear(header, mark, { isLinearizable: false })
      // A lease that is not found is answered with a ttl of 0 (etcd, lease keep-alive).
      if (Number(TTL) > 0) one.resolve({ ttlMs: Number(TTL) * 1_000, header, termsBefore })
      else one.reject(new LeaseGoneError('renewing the session: its lease is gone'))
    }
    this.#endIfRetired()
  }

  #endIfRetired(): void {
    const all = [...this.#pending.values()].flat()
    if (this.#retired && all.every(({ givenUp }) => givenUp)) this.#stream.cancel()
  }

  #fail(error: Error): void {
    const pending = [...this.#pending.values()].flat()
    this.#pending.clear()
    for (const one of pending) one.reject(error)
    for (const id of [...this.#onAnswered.keys()]) this.#tellAnswered(id)
  }

  #tellAnswered(id: string): void {
    const waiting = this.#onAnswered.get(id) ?? []
    this.#onAnswered.delete(id)
    for (const resolve of waiting) resolve()
  }
}
