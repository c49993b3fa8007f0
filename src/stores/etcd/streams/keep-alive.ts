import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../../../errors.js'
import type { Call, Lease } from '../../store.js'
import { MOST_LOGINS } from '../connection/as-user.js'
import type { Endpoints } from '../connection/failover.js'
import { forgetLogin } from '../connection/login.js'
import { Pace } from '../connection/pace.js'
import { within } from '../connection/within.js'
import { storeError, TokenError } from '../errors.js'
import { KeepAliveStream, type RawStream, type Renewal } from './keep-alive-stream.js'
import { openStream } from './open-stream.js'

/** How long a member may take for another answer before it is doubted, in milliseconds. */
const ALIVE_WITHIN_MS = 200
/** Where all renewals of late took less, in milliseconds, there is no proxy on the way. */
const PROMPT_MS = 30
/** What `etcd grpc-proxy` may take before it passes a renewal on (client/v3/lease.go, `retryConnWait`), and a bit. */
const BY_PROXY_MS = 600
const MEASURED = 2
/** By then, in milliseconds, a proxy has heard that the stream before has ended. */
const APART_MS = 250

/**
 * Renews leases, each time over a stream of its own.
 *
 * `etcd grpc-proxy` renews by itself whatever has a stream open, three times in a ttl, and answers with
 * that. Over a stream that stays open an answer would come as late, and could be to a renewal that was
 * made before it was asked for: then the lease would end sooner than its session.
 */
export class KeepAlive {
  readonly #endpoints: Endpoints
  readonly #unsent = new Map<string, Promise<Renewal>>()
  /** What is sent only to find out how long it takes, by lease. */
  readonly #measuring = new Map<string, Promise<Renewal>>()
  #stream: Promise<KeepAliveStream> | null = null
  /** How long renewals took, and with them the connection that one of them needed. */
  readonly #pace = new Pace()
  /** How long they took over the connection that they were answered by. */
  readonly #answerPace = new Pace()
  /** Sends again what waits for an answer over another connection than the one in use. */
  readonly #resending = new Set<() => void>()
  /** How often nobody needed it any more. */
  #closings = 0

  constructor(endpoints: Endpoints) {
    this.#endpoints = endpoints
    endpoints.onGivenUp(() => this.#leave((stream) => stream.retire()))
    endpoints.onReconnected(() => {
      for (const resend of [...this.#resending]) resend()
    })
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

  /** How long a renewal may take, by those of late, in milliseconds. */
  get renewalMs(): number {
    const { longestMs } = this.#pace
    return longestMs > PROMPT_MS ? Math.max(longestMs, BY_PROXY_MS) : longestMs
  }

  /** Finds out how long renewals take, unless it is known; and what is to be known before one that counts. */
  async measure({ id }: Lease, { timeoutMs }: Call): Promise<void> {
    const closings = this.#closings
    try {
      while (this.#pace.count < MEASURED && this.renewalMs <= PROMPT_MS) {
        if (this.#pace.count > 0) await sleep(APART_MS, undefined, { ref: false })
        // Nothing is opened for that alone.
        if (closings !== this.#closings) return
        const measuring = this.#open().then((stream) => this.#timed(stream, id, timeoutMs))
        this.#measuring.set(id, measuring)
        await measuring
      }
    } catch {
      // The next renewal tells what is wrong.
    } finally {
      this.#measuring.delete(id)
    }
  }

  /** Ends the stream; what is unanswered fails. */
  closeIdle(): void {
    this.#closings += 1
    this.#leave((stream) => stream.end())
  }

  /** From 3.6 on etcd looks with each renewal at the login that the stream was opened with. */
  async #renew(lease: Lease, timeoutMs: number): Promise<Renewal> {
    const endsAt = performance.now() + timeoutMs
    const measuring = this.#measuring.get(lease.id)
    // What has just been sent is not late. If it becomes so, there is time left to find out why.
    if (measuring !== undefined) {
      await within(timeoutMs / 2, 'renewing the session', measuring).catch(() => undefined)
    }
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
        // The renewal is late, and not the member: through a proxy it may be.
        if (await this.#endpoints.answers(stream.client, ALIVE_WITHIN_MS)) {
          throw new UnreachableError(
            `renewing the session: it was not answered in time, while ${this.#endpoints.names} answers otherwise: is a proxy on the way, such as etcd grpc-proxy?`,
          )
        }
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
      return await this.#timed(stream, id, timeoutMs)
    } finally {
      this.#unsent.delete(id)
    }
  }

  async #timed(stream: KeepAliveStream, id: string, timeoutMs: number): Promise<Renewal> {
    const sentAt = performance.now()
    const renewal = await this.#sendUntilAnswered(stream, id, timeoutMs)
    this.#pace.took(performance.now() - sentAt)
    return renewal
  }

  /** Sends it again if another connection takes the place of the one that it was sent over. */
  #sendUntilAnswered(stream: KeepAliveStream, id: string, timeoutMs: number): Promise<Renewal> {
    const endsAt = performance.now() + timeoutMs
    return new Promise((resolve, reject) => {
      let awaited = 0
      const settled = () => {
        this.#resending.delete(resend)
        stopWaiting()
      }
      const send = async (over: KeepAliveStream | Promise<KeepAliveStream>) => {
        awaited += 1
        try {
          resolve(await this.#send(await over, id, endsAt - performance.now()))
          settled()
        } catch (thrown) {
          awaited -= 1
          if (awaited > 0) return
          reject(thrown)
          settled()
        }
      }
      const resend = () => {
        this.#resending.delete(resend)
        if (stream.awaits(id)) void send(this.#open())
      }
      const stopWaiting = this.#answerPace.whenLate(() => {
        const { client } = stream
        this.#endpoints.suspect(client, () => stream.awaits(id)).catch(() => undefined)
      })
      this.#resending.add(resend)
      void send(stream)
    })
  }

  async #send(stream: KeepAliveStream, id: string, timeoutMs: number): Promise<Renewal> {
    const sentAt = performance.now()
    const renewal = await stream.renew(id, timeoutMs)
    this.#answerPace.took(performance.now() - sentAt)
    if ((await this.#stream?.catch(() => null)) === stream) this.#leave((one) => one.retire())
    return renewal
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
        else if (error instanceof UnreachableError) this.#endpoints.giveUp(client, error)
      })
    } catch (thrown) {
      onEnd()
      throw storeError('renewing the session', thrown)
    }
  }
}
