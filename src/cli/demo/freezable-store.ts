import {
  type Call,
  type Claim,
  type Lease,
  type Reign,
  type Sighting,
  type Store,
  UnreachableError,
  type Watch,
  type WatchListener,
} from '../../index.js'

export type Connection = 'up' | 'frozen' | 'cut'

/**
 * A store behind a connection that can be frozen and cut. While it is frozen nothing passes, in
 * either direction; requests that are thawed in time, and all watch events, arrive late. Once it is
 * cut nothing ever passes again, and every request is rejected at once.
 */
export class FreezableStore implements Store {
  readonly #inner: Store
  readonly #answered: () => void
  /** Leases that were granted and not revoked through this connection. */
  readonly #leases = new Set<Lease>()
  #connection: Connection = 'up'
  /** Wakes the requests that wait for the connection to change. */
  readonly #waiting = new Set<() => void>()
  /** What was to be told while it was frozen, in its order. */
  #backlog: (() => void)[] = []

  /** `answered` is called at every answer that gets through. */
  constructor(inner: Store, answered: () => void) {
    this.#inner = inner
    this.#answered = answered
  }

  get connection(): Connection {
    return this.#connection
  }

  freeze(): void {
    if (this.#connection === 'up') this.#connection = 'frozen'
  }

  thaw(): void {
    if (this.#connection !== 'frozen') return
    this.#connection = 'up'
    const backlog = this.#backlog
    this.#backlog = []
    for (const tell of backlog) tell()
    this.#wake()
  }

  cut(): void {
    this.#connection = 'cut'
    this.#backlog = []
    this.#wake()
  }

  /** Ends, whatever the connection, the leases that are left. */
  async sweep(call: Call): Promise<void> {
    if (this.#leases.size === 0) return
    const leases = [...this.#leases]
    this.#leases.clear()
    await Promise.allSettled(leases.map((lease) => this.#inner.revoke(lease, call)))
    this.#inner.closeIdle()
  }

  grant(ttl: number, call: Call): Promise<Lease> {
    return this.#pass(call, async (rest) => {
      const lease = await this.#inner.grant(ttl, rest)
      this.#leases.add(lease)
      return lease
    })
  }

  renew(lease: Lease, call: Call, paths: Iterable<string>): Promise<number> {
    return this.#pass(call, (rest) => this.#inner.renew(lease, rest, paths))
  }

  revoke(lease: Lease, call: Call): Promise<void> {
    return this.#pass(call, async (rest) => {
      await this.#inner.revoke(lease, rest)
      this.#leases.delete(lease)
    })
  }

  claim(path: string, text: string, lease: Lease, call: Call): Promise<Claim> {
    return this.#pass(call, (rest) => this.#inner.claim(path, text, lease, rest))
  }

  propose(path: string, text: string, reign: Reign, call: Call): Promise<number | null> {
    return this.#pass(call, (rest) => this.#inner.propose(path, text, reign, rest))
  }

  release(path: string, reign: Reign, notice: string | null, call: Call): Promise<boolean> {
    return this.#pass(call, (rest) => this.#inner.release(path, reign, notice, rest))
  }

  read(path: string, call: Call): Promise<Sighting> {
    return this.#pass(call, (rest) => this.#inner.read(path, rest))
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    let isOpen = true
    const deliver = (tell: () => void) =>
      this.#deliver(() => {
        if (isOpen) tell()
      })
    const watch = this.#inner.watch(path, from, {
      seen: (sighting) => deliver(() => listener.seen(sighting)),
      retrying: (error, attempt) => deliver(() => listener.retrying(error, attempt)),
      refused: (error) => deliver(() => listener.refused(error)),
    })
    return {
      close: () => {
        isOpen = false
        watch.close()
      },
    }
  }

  onReset(listener: () => void): void {
    this.#inner.onReset?.(() => this.#deliver(listener))
  }

  closeIdle(): void {
    this.#inner.closeIdle()
  }

  /** Tells it when the connection lets it through, if it does. */
  #deliver(tell: () => void): void {
    if (this.#connection === 'up') tell()
    else if (this.#connection === 'frozen') this.#backlog.push(tell)
  }

  /** Lets a request out and its answer in, each when the connection is up, or fails in time. */
  async #pass<Answer>(
    { timeoutMs }: Call,
    request: (call: Call) => Promise<Answer>,
  ): Promise<Answer> {
    const deadlineMs = performance.now() + timeoutMs
    // A request is sent as soon as it is made.
    if (this.#connection !== 'up') await this.#whenUp(deadlineMs)
    const [outcome] = await Promise.allSettled([
      request({ timeoutMs: deadlineMs - performance.now() }),
    ])
    await this.#whenUp(deadlineMs)
    if (outcome.status === 'fulfilled') {
      this.#answered()
      return outcome.value
    }
    if (!(outcome.reason instanceof UnreachableError)) this.#answered()
    throw outcome.reason
  }

  async #whenUp(deadlineMs: number): Promise<void> {
    while (this.#connection === 'frozen' && performance.now() < deadlineMs) {
      await this.#change(deadlineMs)
    }
    if (this.#connection !== 'up') {
      throw new UnreachableError(`the connection is ${this.#connection}`)
    }
  }

  /** Resolves when the connection changes, or at the deadline. */
  #change(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.ceil(deadlineMs - performance.now()))
      this.#waiting.add(wake)
    })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
