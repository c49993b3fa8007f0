import { UnreachableError } from '../../../errors.js'
import type { Call, Lease } from '../../store.js'
import { MOST_LOGINS } from '../connection/as-user.js'
import type { Endpoints } from '../connection/failover.js'
import { forgetLogin } from '../connection/login.js'
import { storeError, TokenError } from '../errors.js'
import { KeepAliveStream, type RawStream, type Renewal } from './keep-alive-stream.js'
import { openStream } from './open-stream.js'

/** Renews leases over one stream, which stays open as long as its member is in use. */
export class KeepAlive {
  readonly #endpoints: Endpoints
  readonly #unsent = new Map<string, Promise<Renewal>>()
  #stream: Promise<KeepAliveStream> | null = null

  constructor(endpoints: Endpoints) {
    this.#endpoints = endpoints
    endpoints.onGivenUp(() => this.#leave((stream) => stream.retire()))
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
    this.#leave((stream) => stream.end())
  }

  /** From 3.6 on etcd looks with each renewal at the login that the stream was opened with. */
  async #renew(lease: Lease, timeoutMs: number): Promise<Renewal> {
    const endsAt = performance.now() + timeoutMs
    for (let logins = 0; ; logins += 1) {
      try {
        return await this.#renewOnce(lease, endsAt - performance.now())
      } catch (thrown) {
        // Nothing was renewed.
        if (!(thrown instanceof TokenError) || logins === MOST_LOGINS) throw thrown
      }
    }
  }

  async #renewOnce({ id }: Lease, timeoutMs: number): Promise<Renewal> {
    try {
      let stream = await this.#open()
      if (stream.awaits(id)) {
        const doubted = stream
        let owes = true
        const answered = stream.answered(id).then(() => {
          owes = false
        })
        await Promise.race([answered, this.#endpoints.doubt(stream.client, () => owes)])
        stream = await this.#open()
        if (stream === doubted) {
          throw new UnreachableError(
            'renewing the session: the renewal before it was answered late',
          )
        }
      }
      this.#unsent.delete(id)
      return await stream.renew(id, timeoutMs)
    } finally {
      this.#unsent.delete(id)
    }
  }

  #leave(how: (stream: KeepAliveStream) => void): void {
    void this.#stream?.then(how, () => undefined)
    this.#stream = null
  }

  #open(): Promise<KeepAliveStream> {
    if (this.#stream !== null) return this.#stream
    const opening = this.#connect(() => {
      if (this.#stream === opening) this.#stream = null
    })
    this.#stream = opening
    return opening
  }

  async #connect(onEnd: () => void): Promise<KeepAliveStream> {
    try {
      const opened = await openStream<RawStream>(this.#endpoints, {
        doing: 'renewing the session',
        context: { service: 'Lease', method: 'leaseKeepAlive', isStream: true },
        open: (client, options) => client.leaseClient.leaseKeepAlive(options),
      })
      const { client } = opened
      return new KeepAliveStream(opened, this.#endpoints, (error) => {
        onEnd()
        if (error instanceof TokenError) forgetLogin(client)
        else if (error instanceof UnreachableError) this.#endpoints.giveUp(client)
      })
    } catch (thrown) {
      onEnd()
      throw storeError('renewing the session', thrown)
    }
  }
}
