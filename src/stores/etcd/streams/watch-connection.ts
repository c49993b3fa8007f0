import { type Backoff, backoff } from '../../../../machines/backoff.js'
import { UnreachableError } from '../../../errors.js'
import type { EtcdClient } from '../connection/endpoint.js'
import type { Endpoints } from '../connection/failover.js'
import { ExcessPingsError, storeError } from '../errors.js'
import { keysOf } from '../keys.js'
import { type Opened, openStream } from './open-stream.js'
import { type RawStream, type WatchEvents, WatchStream } from './watch-stream.js'

/** How long a member may take to answer something else when its stream is silent, in milliseconds. */
const ANSWERS_WITHIN_MS = 2_000

/** What a connection is for, and who is told what becomes of it. */
export interface ConnectionUser extends WatchEvents {
  /** What messages begin with. */
  readonly doing: string
  /** How long it waits after attempts that failed. */
  readonly backoff: Backoff
  /** Whether there is anything to watch. */
  isNeeded(): boolean
  /** What has to be done before a stream is opened; that fails if this does. */
  prepare?(): Promise<void>
  /** A stream is open, over which nothing is watched yet. */
  opened(stream: WatchStream): void
  /** The member has said something. */
  heard?(): void
  /** There is no stream. Whoever wants another one calls `retry`. */
  failed(error: Error): void
}

/**
 * A watch stream to the member in use, and another one after it: when it has ended, when its member is
 * given up, and whenever its user asks for it.
 */
export class WatchConnection {
  readonly #endpoints: Endpoints
  readonly #user: ConnectionUser
  #stream: WatchStream | null = null
  #isOpening = false
  /** Whether what the stream that is being opened was prepared with no longer holds. */
  #isOutdated = false
  #retrying: NodeJS.Timeout | null = null

  constructor(endpoints: Endpoints, user: ConnectionUser) {
    this.#endpoints = endpoints
    this.#user = user
    endpoints.onGivenUp(() => {
      this.#end()
      this.open()
    })
  }

  /** The stream in use, if there is one now. */
  get stream(): WatchStream | null {
    return this.#stream
  }

  /** Opens a stream, if there is none and it is needed. */
  open(): void {
    void this.#open()
  }

  /** Opens another stream in the place of the one in use, or of the one that is being opened. */
  reopen(): void {
    this.#isOutdated = true
    this.#end()
    this.open()
  }

  /** Opens another stream in the place of `stream`: at once, or if there was an `error`, as after any. */
  replace(stream: WatchStream, error: Error | null = null): void {
    if (this.#stream !== stream) return
    this.#end()
    if (error === null) this.open()
    else this.#fail(error)
  }

  /** Opens a stream after a while, which grows with the attempts that `failed` in a row. */
  retry(failed: number): void {
    this.#retrying ??= setTimeout(
      () => {
        this.#retrying = null
        this.open()
      },
      backoff(failed, this.#user.backoff),
    )
  }

  /** Ends what is open, and opens nothing by itself. */
  close(): void {
    this.#end()
    if (this.#retrying !== null) clearTimeout(this.#retrying)
    this.#retrying = null
  }

  async #open(): Promise<void> {
    const user = this.#user
    if (this.#isOpening || this.#stream !== null || !user.isNeeded()) return
    this.#isOpening = true
    try {
      do {
        this.#end()
        await user.prepare?.()
        if (!user.isNeeded()) return
        this.#isOutdated = false
        await this.#openOne()
      } while (this.#isOutdated && user.isNeeded())
    } catch (thrown) {
      this.#fail(storeError(user.doing, thrown))
    } finally {
      this.#isOpening = false
    }
  }

  async #openOne(): Promise<void> {
    const { doing } = this.#user
    const {
      client,
      endpoint,
      stream: raw,
    }: Opened<RawStream> = await openStream(this.#endpoints, {
      doing,
      context: { service: 'Watch', method: 'watch', isStream: true },
      open: (client, options) => client.watchClient.watch(options),
    })
    if (!this.#user.isNeeded()) {
      raw.cancel()
      return
    }
    const { history } = this.#endpoints
    const { mark } = history
    const stream: WatchStream = new WatchStream(
      raw,
      keysOf(client),
      endpoint.isPinged === true,
      this.#user,
      {
        behind: () => this.#endpoints.ask(),
        heard: (header) => {
          this.#user.heard?.()
          history.learn(header, mark, { isLinearizable: false })
        },
        silent: () => void this.#ask(stream, client),
        ended: (error) => {
          if (this.#stream !== stream) return
          this.#stream = null
          if (error instanceof UnreachableError) this.#endpoints.giveUp(client, error)
          // A connection without pings takes its place: nobody need hear of that.
          if (error instanceof ExcessPingsError) this.open()
          else this.#fail(error)
        },
      },
    )
    this.#stream = stream
    this.#user.opened(stream)
  }

  /**
   * Another stream tells whatever the silent one has not. There is nothing wrong if its member answers
   * otherwise: `etcd grpc-proxy` does not answer when it is asked for a stream's progress.
   */
  async #ask(stream: WatchStream, client: EtcdClient): Promise<void> {
    if (await this.#endpoints.answers(client, ANSWERS_WITHIN_MS)) this.replace(stream)
    else if (this.#stream === stream) {
      const error = new UnreachableError(`${this.#user.doing}: etcd has gone silent`)
      this.#end()
      this.#endpoints.giveUp(client, error)
      this.#fail(error)
    }
  }

  #fail(error: Error): void {
    // What follows an attempt that is due already tells what has become of it.
    if (this.#retrying === null && this.#user.isNeeded()) this.#user.failed(error)
  }

  #end(): void {
    this.#stream?.end()
    this.#stream = null
  }
}
