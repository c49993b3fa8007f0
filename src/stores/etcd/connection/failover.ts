import type { CallOptions } from '@grpc/grpc-js'
import { sleep, systemClock } from '../../../clock.js'
import { debug } from '../../../debug.js'
import { UnreachableError } from '../../../errors.js'
import type { Call } from '../../store.js'
import { ExcessPingsError, HeldUpError, RenewableTlsError } from '../errors.js'
import type { Header, History, Mark } from '../history.js'
import { asUser } from './as-user.js'
import { closed } from './closed.js'
import type { Connection, Endpoint, EtcdClient } from './endpoint.js'
import { Inquiry } from './inquiry.js'
import { Losses } from './losses.js'
import { Pace } from './pace.js'
import { race } from './race.js'
import { reach } from './reach.js'
import { within } from './within.js'

const ASKED_WITHIN_MS = 2_000
/** How long a member may take to answer of itself, in milliseconds, when another answer is late. */
const THERE_WITHIN_MS = 250

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
  readonly #endpoints: readonly Endpoint[]
  readonly #listeners = new Set<() => void>()
  readonly #reconnected = new Set<() => void>()
  readonly #losses = new Losses()
  readonly #pace = new Pace()
  /** Told when another connection takes the place of one over which they wait for an answer. */
  readonly #waiting = new WeakMap<EtcdClient, Set<() => void>>()
  #suspicion: Promise<void> | null = null
  /** Told of each answer while a connection is under suspicion. */
  #heardFrom: ((client: EtcdClient) => void) | null = null
  readonly #inquiry = new Inquiry(
    (question) =>
      // A new connection begins with such a question.
      this.#connection && this.run('asking etcd', { timeoutMs: ASKED_WITHIN_MS }, question),
  )
  #connection: Connection | null = null
  #race: Promise<Connection> | null = null
  #opening: Promise<Connection> | null = null
  /** Gives up what is being reached when nobody waits for it any more. */
  #reaching = new AbortController()
  /** Whether the member in use still owes the answer for which it is doubted. */
  #stillOwes: () => boolean = () => false
  /** Resolves when it has answered something else, or has been given the time to. */
  #heardOut: () => Promise<void> = async () => undefined

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  get names(): string {
    return this.#endpoints.map(({ name }) => name).join(', ')
  }

  /** What the answers of all members tell of etcd's history. */
  get history(): History {
    return this.#inquiry.history
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

  /** The same, and where it leads to. */
  connection(): Promise<Connection> {
    return this.#ready()
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
    connection: Connection,
    doing: string,
    isLinearizable: boolean,
    request: (client: EtcdClient) => Promise<T>,
  ): Promise<T> {
    const { mark } = this.history
    const { client } = connection
    let answer: T
    try {
      const sentAt = performance.now()
      const answering = asUser(connection, doing, () => request(client))
      answer = await this.#unlessForgotten(client, doing, answering)
      this.#pace.took(performance.now() - sentAt)
    } catch (error) {
      const isAnswered = error instanceof HeldUpError
      const isLost = error instanceof UnreachableError || error instanceof RenewableTlsError
      if (isLost && !isAnswered) this.giveUp(client, error)
      throw error
    }
    // A lease is given to anybody.
    if (isLinearizable) connection.endpoint.served?.()
    this.#heardFrom?.(client)
    this.hear(answer.header, mark, { isLinearizable })
    return answer
  }

  /** Learns from an answer to a request that was sent at `mark`. */
  hear(header: Header, mark: Mark, how: { readonly isLinearizable: boolean }): void {
    this.#inquiry.hear(header, mark, how)
  }

  /** Asks etcd which history it has, by a linearizable read. */
  ask(): void {
    this.#inquiry.ask()
  }

  /** `key` can be read: it serves to ask etcd something to which the answer has a header. */
  mayRead(key: Buffer): void {
    this.#inquiry.mayRead(key)
  }

  isInUse(client: EtcdClient): boolean {
    return this.#connection?.client === client
  }

  /** Leaves the member behind `client`, if it is still the one in use, because of this error. */
  giveUp(client: EtcdClient, why: Error): void {
    if (this.#connection?.client !== client) return
    if (why instanceof ExcessPingsError) this.#connection.endpoint.refusePings?.()
    debug('etcd: gives up %s', this.#connection.endpoint.name)
    this.#losses.begin()
    this.#exchange(this.#connection, null)
  }

  /**
   * The member behind `client` is slow, or gone: lets all members race while it stays in use, and
   * leaves it if one of them answers before `stillOwes` is false. Giving it up at once would make a
   * slow cluster slower: a new connection costs more round trips than the answer that is awaited.
   *
   * @param heardOut What it is left to wait for when another has answered.
   * @throws UnreachableError (as a rejection) when none answers.
   */
  async doubt(
    client: EtcdClient,
    stillOwes: () => boolean,
    heardOut: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    // A race that is on has a head start: it began with the doubt about an earlier answer.
    while (this.#race !== null) await this.#race.catch(() => undefined)
    if (this.#connection?.client !== client || !stillOwes()) return
    this.#stillOwes = stillOwes
    this.#heardOut = heardOut
    await this.#contest()
  }

  /**
   * An answer of the member behind `client` is late. If no other comes either, not even of itself, which it
   * gives without asking any other, the connection may have been forgotten on its way, as NAT does with
   * what is idle: then it is doubted.
   *
   * @throws UnreachableError (as a rejection) when no member answers.
   */
  suspect(client: EtcdClient, stillOwes: () => boolean): Promise<void> {
    this.#suspicion ??= this.#examine(client, stillOwes).finally(() => {
      this.#suspicion = null
    })
    return this.#suspicion
  }

  /** Whether the member behind `client` answers something else within so many milliseconds. */
  async answers(client: EtcdClient, timeoutMs: number): Promise<boolean> {
    if (this.#connection?.client !== client) return false
    try {
      const asking = this.#inquiry.probe(this.#connection, ASKED_WITHIN_MS)
      await within(timeoutMs, 'asking etcd', asking)
      return true
    } catch {
      return false
    }
  }

  /** Closes what is open. A later request opens it again. */
  closeIdle(): void {
    this.#reaching.abort(closed())
    this.#reaching = new AbortController()
    const connection = this.#connection
    this.#connection = null
    this.#losses.forget()
    if (connection !== null) connection.endpoint.close(connection.client)
  }

  #ready(): Promise<Connection> {
    if (this.#connection !== null) return Promise.resolve(this.#connection)
    const [only] = this.#endpoints
    if (this.#endpoints.length === 1 && this.#losses.areNone && only !== undefined) {
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
    let client: EtcdClient
    try {
      client = await reach(only, { timeoutMs: this.#losses.probeMs, signal })
    } catch (thrown) {
      if (!signal.aborted) this.#losses.begin()
      throw thrown
    }
    if (signal.aborted) {
      only.close(client)
      throw closed()
    }
    debug('etcd: goes to %s', only.name)
    this.#connection = { endpoint: only, client }
    return this.#connection
  }

  #contest(): Promise<Connection> {
    this.#race ??= this.#choose(this.#reaching.signal).finally(() => {
      this.#race = null
    })
    return this.#race
  }

  /** The connection in use after a race: the winner's, or the one that was doubted and has answered. */
  async #choose(signal: AbortSignal): Promise<Connection> {
    const winner = await this.#hold(signal)
    if (this.#connection !== null && this.#stillOwes()) await this.#heardOut()
    if (signal.aborted) {
      winner.endpoint.close(winner.client)
      throw closed()
    }
    const current = this.#connection
    this.#losses.forget()
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

  async #examine(client: EtcdClient, stillOwes: () => boolean): Promise<void> {
    const connection = this.#connection
    if (connection?.client !== client || !connection.endpoint.makesConnections) return
    let isThere = false
    const answered = new Promise<void>((resolve) => {
      const heard = () => {
        isThere = true
        resolve()
      }
      // Where many answers are on their way, that to what is asked now comes after them.
      this.#heardFrom = (by) => {
        if (by === client) heard()
      }
      this.#inquiry.touch(connection, ASKED_WITHIN_MS).then(heard, () => undefined)
    })
    const heardOut = () =>
      within(Math.max(THERE_WITHIN_MS, this.#pace.longestMs), 'asking etcd', answered)
    try {
      await heardOut()
    } catch {
      // Where etcd, or this process, has only stood still for a while, all answers come at once.
      const isForgotten = () => stillOwes() && !isThere
      await this.doubt(client, isForgotten, () => heardOut().catch(() => undefined))
    } finally {
      this.#heardFrom = null
    }
  }

  /** Settles as `answering` does; rejects when another connection has taken the place of this one. */
  #unlessForgotten<T>(client: EtcdClient, doing: string, answering: Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(client) ?? new Set()
    this.#waiting.set(client, waiting)
    return new Promise((resolve, reject) => {
      let isOwed = true
      const forgotten = () => {
        const why = 'its connection answers no more, and another has taken its place'
        reject(new UnreachableError(`${doing}: ${why}`))
      }
      const stopWaiting = this.#pace.whenLate(() => {
        this.suspect(client, () => isOwed).catch(() => undefined)
      })
      const settled = () => {
        isOwed = false
        stopWaiting()
        waiting.delete(forgotten)
      }
      waiting.add(forgotten)
      answering.then(resolve, reject)
      answering.then(settled, settled)
    })
  }

  #exchange({ endpoint, client }: Connection, next: Connection | null): void {
    this.#connection = next
    for (const listener of this.#listeners) listener()
    // What fails otherwise says so by itself.
    if (next !== null && next.client !== client) {
      for (const forgotten of this.#waiting.get(client) ?? []) forgotten()
    }
    if (client !== next?.client) endpoint.close(client)
  }

  /** One race, after a pause. Its winner's connection is open, and not in use yet. */
  async #hold(signal: AbortSignal): Promise<Connection> {
    await this.#pause(signal)
    if (signal.aborted) throw closed()
    const winner = await race(
      this.#endpoints,
      { timeoutMs: this.#losses.probeMs, signal },
      (contender, timeoutMs) => this.#inquiry.probe(contender, timeoutMs),
    ).catch((error: Error) => {
      if (!signal.aborted) this.#losses.add()
      throw error
    })
    debug('etcd: %s answered first', winner.endpoint.name)
    return winner
  }

  async #pause(signal: AbortSignal): Promise<void> {
    if (this.#losses.areNone) return
    await sleep(systemClock, this.#losses.pauseMs(this.#endpoints.length), signal)
  }
}
