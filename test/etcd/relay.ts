import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

/** A TCP relay in front of an etcd member: the network between it and its clients, to be broken. */
export interface Relay extends AsyncDisposable {
  /** `host:port` for clients. Stays the same through `cut` and `heal`. */
  readonly endpoint: string
  /** How many connections clients have opened so far. */
  readonly opened: number
  /** How many of them are there now. */
  readonly open: number
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

/** Starts a relay to `target`, a `host:port`. */
export async function startRelay(target: string): Promise<Relay> {
  const relay = new TcpRelay(target, await freePort())
  await relay.listen()
  return relay
}

type Weather = 'fair' | 'frozen' | 'answersLost' | 'oneAnswer'

class TcpRelay implements Relay {
  readonly endpoint: string
  opened = 0
  weather: Weather = 'fair'
  delayMs = 0
  readonly #connections = new Set<Connection>()
  #server: Server | undefined

  constructor(
    readonly target: string,
    readonly port: number,
  ) {
    this.endpoint = `127.0.0.1:${port}`
  }

  get open(): number {
    return this.#connections.size
  }

  async listen(): Promise<void> {
    // Half-open connections are passed on as such: an end is relayed, not answered.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      const connection = new Connection(this, client, () => this.#connections.delete(connection))
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

/** One client's connection, and the connection to the target that belongs to it. */
class Connection {
  readonly #relay: TcpRelay
  readonly #client: Socket
  readonly #gone: () => void
  #target: Socket | undefined
  #flows: readonly Flow[] = []
  #lostBytes = false
  #isStranded = false

  constructor(relay: TcpRelay, client: Socket, gone: () => void) {
    this.#relay = relay
    this.#client = client
    this.#gone = gone
    client.setNoDelay(true)
    // Errors are followed by 'close', which a Flow passes on; before there are flows, nobody is told.
    client.on('error', () => {})
  }

  /** Goes by the relay's present weather. */
  refresh(): void {
    const makesNoSense = this.#lostBytes && this.#relay.weather === 'fair'
    const gaveUpEarly = this.#target === undefined && this.#client.destroyed
    if (makesNoSense || gaveUpEarly) {
      this.reset()
      return
    }
    if (this.#isStranded || this.#relay.weather === 'frozen') {
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
    for (const flow of this.#flows) flow.end()
    this.#client.resetAndDestroy()
    if (this.#target?.connecting) this.#target.destroy()
    else this.#target?.resetAndDestroy()
    this.#gone()
  }

  #reachTarget(): void {
    const colon = this.#relay.target.lastIndexOf(':')
    const target = connect({
      host: this.#relay.target.slice(0, colon),
      port: Number(this.#relay.target.slice(colon + 1)),
      allowHalfOpen: true,
      noDelay: true,
    })
    target.on('error', () => {})
    this.#target = target
    const relay = this.#relay
    const reset = () => this.reset()
    this.#flows = [
      new Flow(this.#client, target, () => relay.delayMs, reset),
      new Flow(
        target,
        this.#client,
        () => relay.delayMs,
        reset,
        () => {
          if (relay.weather !== 'answersLost') return false
          this.#lostBytes = true
          return true
        },
        () => {
          if (relay.weather === 'oneAnswer') relay.freeze()
        },
      ),
    ]
  }
}

type Item = { readonly dueMs: number } & (
  | { readonly bytes: Buffer }
  | { readonly over: 'end' | 'reset' }
)

/** The bytes of one direction, on their way from one socket to another. */
class Flow {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #isLost: () => boolean
  readonly #delivered: () => void
  readonly #reset: () => void
  readonly #queue: Item[] = []
  #held = false
  #ended = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    source: Socket,
    sink: Socket,
    delayMs: () => number,
    reset: () => void,
    isLost: () => boolean = () => false,
    delivered: () => void = () => {},
  ) {
    this.#source = source
    this.#sink = sink
    this.#reset = reset
    this.#isLost = isLost
    this.#delivered = delivered
    // What is sent keeps its order, also when the delay becomes shorter.
    const due = () => ({
      dueMs: Math.max(performance.now() + delayMs(), this.#queue.at(-1)?.dueMs ?? 0),
    })
    const put = (item: Item) => {
      this.#queue.push(item)
      this.#pump()
    }
    source.on('data', (bytes: Buffer) => put({ ...due(), bytes }))
    source.on('end', () => put({ ...due(), over: 'end' }))
    // A connection that failed, or was closed on both sides.
    source.on('close', (failed) => {
      if (failed || !source.readableEnded) put({ ...due(), over: 'reset' })
      else if (sink.destroyed) this.#reset()
    })
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
    if ('bytes' in item) {
      if (this.#isLost() || !this.#sink.writable) return
      this.#sink.write(item.bytes)
      this.#delivered()
    } else if (item.over === 'reset') {
      this.#reset()
    } else if (!this.#isLost()) {
      this.#sink.end()
    }
  }
}
