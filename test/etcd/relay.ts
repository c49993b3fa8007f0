import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

/** What a relay does to connections by itself, as balancers and firewalls do; for good, whatever is healed. */
export interface Habits {
  /**
   * A connection through which nothing went for so long, in milliseconds, is forgotten: whatever comes
   * later is swallowed, and nobody is told, as by NAT.
   */
  readonly forgetsIdleMs?: number
  /** The same, and both ends are told by a reset, as by a network load balancer. */
  readonly resetsIdleMs?: number
  /** A connection that is so old is reset, in milliseconds. */
  readonly resetsOldMs?: number
  /** So many bytes of a member's answers get through a connection in a second, as over a narrow link. */
  readonly bytesPerSecond?: number
}

/** A TCP relay in front of etcd: the network between it and its clients, to be broken. */
export interface Relay extends AsyncDisposable {
  /** `host:port` for clients. Stays the same through `cut` and `heal`. */
  readonly endpoint: string
  /** How many connections clients have opened so far. */
  readonly opened: number
  /** How many of them are there now. */
  readonly open: number
  /** How many it has forgotten or reset by its habits. */
  readonly ended: number
  /** How many were passed on to each target. */
  readonly taken: readonly number[]
  /**
   * Nothing gets through in either direction, and nobody is told: connections stay open, new ones
   * are accepted and never answered. What was sent meanwhile arrives after `heal`, as with TCP.
   */
  freeze(): void
  /** The same, once the next bytes of the member's have got through. */
  freezeAfterAnswer(): void
  /** Freezes the connections that are open now, as a firewall does that has forgotten them; new ones get through. */
  strand(): void
  /** Resets all connections and refuses new ones. */
  cut(): Promise<void>
  /** Delays whatever is sent from now on by this long in each direction. */
  delay(ms: number): void
  /**
   * Requests reach the member, and its answers are lost. A connection that lost bytes is reset by
   * `heal`, since what would follow no longer makes sense.
   */
  dropAnswers(): void
  /** Undoes all of the above. */
  heal(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a relay to `target`, a `host:port`; or a load balancer in front of several: each connection goes
 * to the next of them, or the one after that which takes it.
 */
export async function startRelay(
  target: string | readonly string[],
  habits: Habits = {},
): Promise<Relay> {
  const relay = new TcpRelay([target].flat(), habits, await freePort())
  await relay.listen()
  return relay
}

type Weather = 'fair' | 'frozen' | 'answersLost' | 'oneAnswer'

class TcpRelay implements Relay {
  readonly endpoint: string
  opened = 0
  ended = 0
  readonly taken: number[]
  weather: Weather = 'fair'
  delayMs = 0
  readonly #connections = new Set<Connection>()
  #server: Server | undefined

  constructor(
    readonly targets: readonly string[],
    readonly habits: Habits,
    readonly port: number,
  ) {
    this.endpoint = `127.0.0.1:${port}`
    this.taken = targets.map(() => 0)
  }

  get open(): number {
    return this.#connections.size
  }

  async listen(): Promise<void> {
    // Half-open connections are passed on as such: an end is relayed, not answered.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      const connection = new Connection(this, client, this.opened, () =>
        this.#connections.delete(connection),
      )
      this.#connections.add(connection)
      this.opened += 1
      connection.refresh()
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
    this.#server = server
  }

  freeze(): void {
    this.#become('frozen')
  }

  freezeAfterAnswer(): void {
    this.#become('oneAnswer')
  }

  strand(): void {
    for (const connection of this.#connections) connection.strand()
  }

  dropAnswers(): void {
    this.#become('answersLost')
  }

  delay(ms: number): void {
    this.delayMs = ms
  }

  async cut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    // Closing stops listening at once; it completes when the connections are gone.
    const closed = server && new Promise((resolve) => server.close(resolve))
    for (const connection of this.#connections) connection.reset()
    await closed
  }

  async heal(): Promise<void> {
    this.delayMs = 0
    for (const connection of this.#connections) connection.strand(false)
    this.#become('fair')
    if (this.#server === undefined) await this.listen()
  }

  async stop(): Promise<void> {
    await this.cut()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #become(weather: Weather): void {
    this.weather = weather
    for (const connection of this.#connections) connection.refresh()
  }
}

/** One client's connection, and the connection to a target that belongs to it. */
class Connection {
  readonly #relay: TcpRelay
  readonly #client: Socket
  /** How many were opened before. */
  readonly #number: number
  readonly #gone: () => void
  #target: Socket | undefined
  #flows: readonly Flow[] = []
  #lostBytes = false
  #isStranded = false
  #isForgotten = false
  #idle: NodeJS.Timeout | undefined
  #old: NodeJS.Timeout | undefined

  constructor(relay: TcpRelay, client: Socket, number: number, gone: () => void) {
    this.#relay = relay
    this.#client = client
    this.#number = number
    this.#gone = gone
    client.setNoDelay(true)
    // Errors are followed by 'close', which a Flow passes on; before there are flows, nobody is told.
    client.on('error', () => {})
    const { resetsOldMs } = relay.habits
    if (resetsOldMs !== undefined) this.#old = setTimeout(() => this.#endByHabit(), resetsOldMs)
  }

  /** Goes by the relay's present weather. */
  refresh(): void {
    const makesNoSense = this.#lostBytes && this.#relay.weather === 'fair'
    const gaveUpEarly = this.#flows.length === 0 && this.#client.destroyed
    if (makesNoSense || gaveUpEarly) {
      this.reset()
      return
    }
    if (this.#isForgotten || this.#isStranded || this.#relay.weather === 'frozen') {
      for (const flow of this.#flows) flow.hold()
      return
    }
    if (this.#target === undefined) this.#reachTarget()
    for (const flow of this.#flows) flow.release()
  }

  strand(isStranded = true): void {
    this.#isStranded = isStranded
    this.refresh()
  }

  reset(): void {
    clearTimeout(this.#idle)
    clearTimeout(this.#old)
    for (const flow of this.#flows) flow.end()
    this.#client.resetAndDestroy()
    if (this.#target?.connecting) this.#target.destroy()
    else this.#target?.resetAndDestroy()
    this.#gone()
  }

  #endByHabit(): void {
    this.#relay.ended += 1
    this.reset()
  }

  /** Something goes through. */
  #use(): void {
    const { forgetsIdleMs, resetsIdleMs } = this.#relay.habits
    clearTimeout(this.#idle)
    if (this.#isForgotten) return
    if (resetsIdleMs !== undefined) {
      this.#idle = setTimeout(() => this.#endByHabit(), resetsIdleMs)
    } else if (forgetsIdleMs !== undefined) {
      this.#idle = setTimeout(() => this.#forget(), forgetsIdleMs)
    }
  }

  #forget(): void {
    this.#relay.ended += 1
    this.#isForgotten = true
    this.refresh()
  }

  /** Connects to the next target, after so many that did not take the connection. */
  #reachTarget(refused = 0): void {
    const { targets, taken } = this.#relay
    const index = (this.#number + refused) % targets.length
    const address = targets[index] ?? ''
    const colon = address.lastIndexOf(':')
    const target = connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      allowHalfOpen: true,
      noDelay: true,
    })
    this.#target = target
    let isTaken = false
    target.on('error', () => {
      if (isTaken || this.#client.destroyed) return
      if (refused + 1 < targets.length) this.#reachTarget(refused + 1)
      else this.reset()
    })
    target.once('connect', () => {
      isTaken = true
      taken[index] = (taken[index] ?? 0) + 1
      this.#join(target)
      this.refresh()
    })
  }

  #join(target: Socket): void {
    const relay = this.#relay
    const delayMs = () => relay.delayMs
    const reset = () => this.reset()
    const used = () => this.#use()
    this.#flows = [
      new Flow(this.#client, target, { delayMs, reset, used }),
      new Flow(target, this.#client, {
        delayMs,
        bytesPerSecond: relay.habits.bytesPerSecond,
        reset,
        used,
        isLost: () => {
          if (relay.weather !== 'answersLost') return false
          this.#lostBytes = true
          return true
        },
        delivered: () => {
          if (relay.weather === 'oneAnswer') relay.freeze()
        },
      }),
    ]
    this.#use()
  }
}

type Item = { readonly dueMs: number } & (
  | { readonly bytes: Buffer }
  | { readonly over: 'end' | 'reset' }
)

/** What a flow asks and tells the connection that it is of. */
interface FlowEvents {
  delayMs(): number
  readonly bytesPerSecond?: number | undefined
  reset(): void
  /** Something has come that is to be passed on. */
  used(): void
  isLost?(): boolean
  delivered?(): void
}

/** The bytes of one direction, on their way from one socket to another. */
class Flow {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #events: FlowEvents
  readonly #queue: Item[] = []
  #held = false
  #ended = false
  #timer: NodeJS.Timeout | undefined

  constructor(source: Socket, sink: Socket, events: FlowEvents) {
    this.#source = source
    this.#sink = sink
    this.#events = events
    let latestMs = 0
    // What is sent keeps its order, also when the delay becomes shorter.
    const due = (takesMs = 0) => {
      latestMs = Math.max(performance.now() + events.delayMs(), latestMs) + takesMs
      return { dueMs: latestMs }
    }
    const put = (item: Item) => {
      this.#queue.push(item)
      this.#pump()
    }
    source.on('data', (bytes: Buffer) => {
      events.used()
      for (const part of this.#partsOf(bytes)) {
        put({ ...due(this.#takesMs(part)), bytes: part })
      }
    })
    source.on('end', () => put({ ...due(), over: 'end' }))
    // A connection that failed, or was closed on both sides.
    source.on('close', (failed) => {
      if (failed || !source.readableEnded) put({ ...due(), over: 'reset' })
      else if (sink.destroyed) events.reset()
    })
  }

  /** What gets through in about 10 ms each. */
  #partsOf(bytes: Buffer): Buffer[] {
    const { bytesPerSecond } = this.#events
    if (bytesPerSecond === undefined) return [bytes]
    const length = Math.ceil(bytesPerSecond / 100)
    return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
      bytes.subarray(index * length, (index + 1) * length),
    )
  }

  #takesMs({ length }: Buffer): number {
    const { bytesPerSecond } = this.#events
    return bytesPerSecond === undefined ? 0 : (length / bytesPerSecond) * 1_000
  }

  /** Stops reading, so that the sender's own buffers fill up. */
  hold(): void {
    this.#held = true
    this.#source.pause()
  }

  release(): void {
    this.#held = false
    this.#source.resume()
    this.#pump()
  }

  end(): void {
    this.#ended = true
    this.#queue.length = 0
    clearTimeout(this.#timer)
  }

  #pump(): void {
    clearTimeout(this.#timer)
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      if (this.#held || this.#ended) return
      const waitMs = item.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs)
        return
      }
      this.#queue.shift()
      this.#deliver(item)
    }
  }

  #deliver(item: Item): void {
    const isLost = () => this.#events.isLost?.() === true
    if ('bytes' in item) {
      if (isLost() || !this.#sink.writable) return
      this.#sink.write(item.bytes)
      this.#events.delivered?.()
    } else if (item.over === 'reset') {
      this.#events.reset()
    } else if (!isLost()) {
      this.#sink.end()
    }
  }
}
