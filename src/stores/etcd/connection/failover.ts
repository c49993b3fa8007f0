import type { CallOptions } from '@grpc/grpc-js'
import type { Etcd3, Namespace } from 'etcd3'
import { backoff } from '../../../../machines/backoff.js'
import { debug } from '../../../debug.js'
import { RefusedError, UnreachableError } from '../../../errors.js'
import type { Call } from '../../store.js'
import { PermissionError, storeError, TlsError } from '../errors.js'
import { type Header, History, type Mark } from '../history.js'
import type { Dialling } from './dial.js'

/** An etcd3 client, or a namespace of one. */
export type EtcdClient = Etcd3 | Namespace

/** How one member, or one client of the user's, is reached. */
export interface Endpoint {
  readonly name: string
  /** Who logs in there, as far as is known. */
  readonly user?: string | undefined
  /** Resolves when somebody answers there, before a client is opened; rejects with why not. */
  dial?(how: Dialling): Promise<void>
  open(): EtcdClient
  /** Ends what `open` made. A client that the user passed in is never closed. */
  close(client: EtcdClient): void
}

/** A leader of a history that was replaced hears of it within a second of etcd's return. */
const PAUSE = { firstMs: 100, longestMs: 500 }
/** Keeps a process below ten requests a second to a cluster that is down. */
const PAUSE_PER_REQUEST_MS = 130
const FIRST_PROBE_MS = 1_000
const LONGEST_PROBE_MS = 5_000
const ASKED_WITHIN_MS = 2_000
/** While no key is known that may be read. Not being allowed to is an answer too, but one without a header. */
const ANY_KEY = Buffer.from('locked')

interface Connection {
  readonly endpoint: Endpoint
  readonly client: EtcdClient
}

/** How a request is made of a member. */
interface RequestCall extends Call {
  /** Whether the answer has seen all that was committed before; it has unless it is said not to. */
  readonly isLinearizable?: boolean
  /**
   * How long the member has taken for an answer just now, in milliseconds. It is not given up for one
   * that takes as long, however little time there is: etcd3 opens all its connections to a member
   * anew when an answer is late.
   */
  readonly fairMs?: number
}

/**
 * Chooses the member that all requests go to: whichever answers first. It stays with that member
 * until a request fails there, and then lets all of them race again. While none answers, the races
 * are the only requests that are sent, so that many nodes do not hammer a cluster that is down.
 */
export class Endpoints {
  /** What the answers of all members tell of etcd's history. */
  readonly history = new History()
  readonly #endpoints: readonly Endpoint[]
  readonly #listeners = new Set<() => void>()
  readonly #reconnected = new Set<() => void>()
  #connection: Connection | null = null
  #race: Promise<Connection> | null = null
  #opening: Promise<Connection> | null = null
  /** Gives up what is being reached when nobody waits for it any more. */
  #reaching = new AbortController()
  /** Whether the member in use still owes the answer for which it is doubted. */
  #stillOwes: () => boolean = () => false
  /** Races lost in a row, and one more: the member whose failure led to them. */
  #losses = 0
  #rests = 0
  #wake: (() => void) | null = null
  #readableKey: Buffer = ANY_KEY
  #isAsking = false

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  get names(): string {
    return this.#endpoints.map(({ name }) => name).join(', ')
  }

  /** `listener` is called when the member in use is given up; streams to it should end. */
  onGivenUp(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** `listener` is called when a member is in use in the place of one that was given up. */
  onReconnected(listener: () => void): void {
    this.#reconnected.add(listener)
  }

  /** The client in use, if there is one now. */
  get connected(): EtcdClient | null {
    return this.#connection?.client ?? null
  }

  /** The client in use; races for one if there is none. */
  async current(): Promise<EtcdClient> {
    return (await this.#ready()).client
  }

  /** Sends one request to the member in use, which is given up if it does not answer. */
  async run<T extends { readonly header: Header }>(
    doing: string,
    { timeoutMs, isLinearizable = true, fairMs = 0 }: RequestCall,
    request: (client: EtcdClient, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#ready()
    const longestMs = Math.max(timeoutMs, 2 * fairMs)
    const answering = this.#send(connection, doing, isLinearizable, (client) =>
      request(client, { deadline: Date.now() + longestMs }),
    )
    return longestMs > timeoutMs ? await within(timeoutMs, doing, answering) : await answering
  }

  async #send<T extends { readonly header: Header }>(
    { client, endpoint }: Connection,
    doing: string,
    isLinearizable: boolean,
    request: (client: EtcdClient) => Promise<T>,
  ): Promise<T> {
    const { mark } = this.history
    let answer: T
    try {
      answer = await request(client)
    } catch (thrown) {
      const error = storeError(doing, thrown, endpoint)
      if (error instanceof UnreachableError) this.giveUp(client)
      throw error
    }
    this.hear(answer.header, mark, { isLinearizable })
    return answer
  }

  /**
   * Learns from an answer. A member that is behind what was known when it was asked may only lag, or
   * be of another history: a linearizable read tells which, and is sent at once.
   */
  hear(header: Header, mark: Mark, how: { readonly isLinearizable: boolean }): void {
    this.history.learn(header, mark, how)
    if (Number(header.revision) < mark.revision && !this.history.isReplacedSince(mark)) this.ask()
  }

  /** Asks etcd which history it has, by a linearizable read. */
  ask(): void {
    // A new connection begins with such a read.
    if (this.#isAsking || this.#connection === null) return
    this.#isAsking = true
    const asking = this.run('asking etcd', { timeoutMs: ASKED_WITHIN_MS }, (client, options) =>
      client.kv.range({ key: this.#readableKey, keys_only: true }, options),
    )
    const done = () => {
      this.#isAsking = false
    }
    asking.then(done, done)
  }

  /** `key` can be read: it serves to ask etcd something to which the answer has a header. */
  mayRead(key: Buffer): void {
    this.#readableKey = key
  }

  isInUse(client: EtcdClient): boolean {
    return this.#connection?.client === client
  }

  /** Leaves the member behind `client`, if it is still the one in use. */
  giveUp(client: EtcdClient): void {
    if (this.#connection?.client !== client) return
    debug('etcd: gives up %s', this.#connection.endpoint.name)
    this.#losses = Math.max(this.#losses, 1)
    this.#exchange(this.#connection, null)
  }

  /**
   * The member behind `client` is slow, or gone: lets all members race while it stays in use, and
   * leaves it if one of them answers before `stillOwes` is false. Giving it up at once would make a
   * slow cluster slower: a new connection costs more round trips than the answer that is awaited.
   *
   * @throws UnreachableError (as a rejection) when none answers.
   */
  async doubt(client: EtcdClient, stillOwes: () => boolean): Promise<void> {
    // A race that is on has a head start: it began with the doubt about an earlier answer.
    while (this.#race !== null) await this.#race.catch(() => undefined)
    if (this.#connection?.client !== client || !stillOwes()) return
    this.#stillOwes = stillOwes
    await this.#contest()
  }

  /** Closes what is open. A later request opens it again. */
  closeIdle(): void {
    this.#rests += 1
    this.#wake?.()
    this.#reaching.abort(closed())
    this.#reaching = new AbortController()
    const connection = this.#connection
    this.#connection = null
    this.#losses = 0
    if (connection !== null) connection.endpoint.close(connection.client)
  }

  #ready(): Promise<Connection> {
    if (this.#connection !== null) return Promise.resolve(this.#connection)
    const [only] = this.#endpoints
    if (this.#endpoints.length === 1 && this.#losses === 0 && only !== undefined) {
      this.#opening ??= this.#open(only).finally(() => {
        this.#opening = null
      })
      return this.#opening
    }
    return this.#contest()
  }

  /** Nothing to choose from: the first request itself shows whether the member can do anything. */
  async #open(only: Endpoint): Promise<Connection> {
    const { signal } = this.#reaching
    try {
      await only.dial?.({ timeoutMs: FIRST_PROBE_MS, signal })
    } catch (thrown) {
      if (!signal.aborted) this.#losses = Math.max(this.#losses, 1)
      throw storeError('reaching etcd', thrown, only)
    }
    if (signal.aborted) throw closed()
    debug('etcd: goes to %s', only.name)
    this.#connection = { endpoint: only, client: only.open() }
    return this.#connection
  }

  #contest(): Promise<Connection> {
    this.#race ??= this.#choose(this.#rests).finally(() => {
      this.#race = null
    })
    return this.#race
  }

  /** The connection in use after a race: the winner's, or the one that was doubted and has answered. */
  async #choose(rests: number): Promise<Connection> {
    const winner = await this.#hold(rests)
    const current = this.#connection
    this.#losses = 0
    if (current === null || this.#stillOwes()) {
      if (current === null) this.#connection = winner
      else this.#exchange(current, winner)
      // Not before those who wait for it have it.
      queueMicrotask(() => {
        for (const listener of this.#reconnected) listener()
      })
      return winner
    }
    if (winner.client !== current.client) winner.endpoint.close(winner.client)
    return current
  }

  #exchange({ endpoint, client }: Connection, next: Connection | null): void {
    this.#connection = next
    for (const listener of this.#listeners) listener()
    if (client !== next?.client) endpoint.close(client)
  }

  /** One race. Its winner's connection is open, and not in use yet. */
  async #hold(rests: number): Promise<Connection> {
    await this.#pause()
    if (rests !== this.#rests) throw closed()
    const factor = this.#losses === 1 ? 2 : Math.max(1, this.#losses)
    const timeoutMs = Math.min(FIRST_PROBE_MS * factor, LONGEST_PROBE_MS)
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#reaching.signal])
    const opened: Connection[] = []
    const contend = async (endpoint: Endpoint) => {
      const endsAt = performance.now() + timeoutMs
      try {
        await endpoint.dial?.({ timeoutMs, signal })
      } catch (thrown) {
        throw storeError('reaching etcd', thrown, endpoint)
      }
      if (signal.aborted) throw closed()
      const contender = { endpoint, client: endpoint.open() }
      opened.push(contender)
      return await this.#probe(contender, endsAt - performance.now())
    }
    let winner: Connection | null = null
    try {
      // Whoever is asked first would be answered first, by a process that is busy.
      winner = await Promise.any(shuffled(this.#endpoints).map(contend))
    } catch (thrown) {
      if (rests === this.#rests) this.#losses = Math.max(this.#losses + 1, 2)
      const error = allFailed(thrown, this.names)
      debug('etcd: %s', error.message)
      throw error
    } finally {
      over.abort(closed())
      for (const { endpoint, client } of opened) {
        if (client !== winner?.client || rests !== this.#rests) endpoint.close(client)
      }
    }
    if (winner === null || rests !== this.#rests) throw closed()
    debug('etcd: %s answered first', winner.endpoint.name)
    return winner
  }

  /**
   * Resolves if the member behind `connection` answers a linearizable read, whatever the answer. It
   * is what follows each loss of a connection, and so tells at once of a history that was replaced.
   */
  async #probe(connection: Connection, timeoutMs: number): Promise<Connection> {
    const { mark } = this.history
    try {
      const { header } = await connection.client.kv.range(
        { key: this.#readableKey, keys_only: true },
        { deadline: Date.now() + timeoutMs },
      )
      this.hear(header, mark, { isLinearizable: true })
    } catch (thrown) {
      const error = storeError('asking etcd', thrown, connection.endpoint)
      // Not being allowed to read that key is an answer.
      if (!(error instanceof PermissionError)) throw error
    }
    return connection
  }

  /** The pause before a race grows with the races lost, with jitter. */
  #pause(): Promise<void> {
    if (this.#losses === 0) return Promise.resolve()
    // Every race sends a request to each member.
    const shortest = this.#losses === 1 ? 0 : this.#endpoints.length * PAUSE_PER_REQUEST_MS
    const pauseMs = Math.max(backoff(this.#losses, PAUSE), shortest)
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(done, pauseMs)
      this.#wake = done
    })
  }
}

function within<T>(timeoutMs: number, doing: string, answering: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new UnreachableError(`${doing}: no answer within ${Math.round(timeoutMs)} ms`))
    const timer = setTimeout(late, timeoutMs)
    answering.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function shuffled<T>(given: readonly T[]): T[] {
  return given
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

function closed(): UnreachableError {
  return new UnreachableError('etcd: the connection was closed')
}

function allFailed(thrown: unknown, names: string): Error {
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  // All members know the same users. A certificate is one member's own: another may yet accept it.
  const refusal =
    errors.find((error) => error instanceof RefusedError && !(error instanceof TlsError)) ??
    (errors.every((error) => error instanceof TlsError) ? errors[0] : undefined)
  if (refusal instanceof Error) return refusal
  const [first] = errors
  const why = first instanceof Error ? first.message : String(first)
  return new UnreachableError(`no etcd member answers (${names}): ${why}`, { cause: thrown })
}
