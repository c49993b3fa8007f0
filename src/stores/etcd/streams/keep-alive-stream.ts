import { errorFrom, LeaseGoneError, UnreachableError } from '../../../errors.js'
import type { EtcdClient } from '../connection/endpoint.js'
import type { Endpoints } from '../connection/failover.js'
import { storeError } from '../errors.js'
import type { Header, Mark, Terms } from '../history.js'
import type { Opened, Stream } from './open-stream.js'

interface KeepAliveRequest {
  ID: string
}

interface KeepAliveResponse {
  readonly ID: string
  readonly TTL: string
  readonly header: Header
}

export type RawStream = Stream<KeepAliveRequest, KeepAliveResponse>

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

/** One keep-alive stream. etcd answers a lease's requests in the order in which they were sent. */
export class KeepAliveStream {
  readonly client: EtcdClient
  readonly #stream: RawStream
  readonly #endpoints: Endpoints
  readonly #pending = new Map<string, Pending[]>()
  readonly #onAnswered = new Map<string, (() => void)[]>()
  #retired = false

  constructor(
    { client, endpoint, stream }: Opened<RawStream>,
    endpoints: Endpoints,
    onEnd: (error: Error) => void,
  ) {
    this.client = client
    this.#stream = stream
    this.#endpoints = endpoints
    stream.on('data', (response) => this.#answer(response))
    stream.on('error', (thrown) => {
      const error = storeError('renewing the session', errorFrom(thrown), endpoint)
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
      const timer = setTimeout(
        () => {
          one.givenUp = true
          reject(new UnreachableError(`renewing the session: no answer within ${timeoutMs} ms`))
          this.#endIfRetired()
        },
        Math.max(0, timeoutMs),
      )
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
