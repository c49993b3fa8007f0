import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

/** The network between the members of a cluster, to be broken. For `EtcdOptions.advertisePeer`. */
export interface Peers extends AsyncDisposable {
  advertise(target: string, host: string): Promise<string>
  /**
   * Cuts the member with this id (decimal, as etcd's clients see it) off from the others, both ways.
   * `vanish`: connections stay open and nothing gets through. `reset`: they are reset and refused.
   */
  cutOff(memberId: string, how: 'vanish' | 'reset'): void
  heal(): void
  stop(): Promise<void>
}

export function createPeers(): Peers {
  return new PeerRelays()
}

interface CutOff {
  readonly id: string
  readonly how: 'vanish' | 'reset'
}

/**
 * A relay in front of each member. Who connects is read from the first request on the connection:
 * members name themselves in it by X-Server-From, and whom they look for by X-Raft-To or by the
 * relay they came to (server/etcdserver/api/rafthttp).
 */
class PeerRelays implements Peers {
  readonly #servers: Server[] = []
  readonly #links = new Set<Link>()
  #cutOff: CutOff | null = null

  async advertise(target: string, host: string): Promise<string> {
    const port = await freePort()
    const front = { memberId: '' }
    const server = createServer({ pauseOnConnect: true }, (client) => {
      const link = new Link(client, target, front, {
        identified: () => this.#apply(link),
        gone: () => this.#links.delete(link),
      })
      this.#links.add(link)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    this.#servers.push(server)
    return `${host}:${port}`
  }

  cutOff(memberId: string, how: 'vanish' | 'reset'): void {
    this.#cutOff = { id: BigInt(memberId).toString(16), how }
    for (const link of [...this.#links]) this.#apply(link)
  }

  heal(): void {
    this.#cutOff = null
    for (const link of [...this.#links]) this.#apply(link)
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const link of [...this.#links]) link.reset()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #apply(link: Link): void {
    const { id, how } = this.#cutOff ?? {}
    if (id === undefined || !link.concerns(id)) link.open()
    else if (how === 'vanish') link.hold()
    else link.reset()
  }
}

interface LinkEvents {
  identified(): void
  gone(): void
}

/** One connection from a member to another. */
class Link {
  readonly #client: Socket
  readonly #listen: string
  readonly #front: { memberId: string }
  readonly #gone: () => void
  #from = ''
  #first: Buffer | null = null
  #target: Socket | undefined

  constructor(client: Socket, listen: string, front: { memberId: string }, events: LinkEvents) {
    this.#client = client
    this.#listen = listen
    this.#front = front
    this.#gone = events.gone
    client.setNoDelay(true)
    client.on('error', () => {})
    client.once('close', () => this.reset())
    client.once('data', (first: Buffer) => {
      client.pause()
      this.#first = first
      const head = first.toString('latin1')
      this.#from = /^x-server-from: *([0-9a-f]+)/im.exec(head)?.[1] ?? ''
      const to = /^x-raft-to: *([0-9a-f]+)/im.exec(head)?.[1]
      if (to !== undefined) front.memberId = to
      events.identified()
    })
    client.resume()
  }

  concerns(id: string): boolean {
    return this.#from === id || this.#front.memberId === id
  }

  open(): void {
    if (this.#first === null) return
    if (this.#target === undefined) this.#reachTarget(this.#first)
    this.#client.resume()
    this.#target?.resume()
  }

  hold(): void {
    if (this.#first === null) return
    this.#client.pause()
    this.#target?.pause()
  }

  reset(): void {
    this.#client.destroy()
    this.#target?.destroy()
    this.#gone()
  }

  #reachTarget(first: Buffer): void {
    const [host = '', port] = this.#listen.split(':')
    const target = connect({ host, port: Number(port), noDelay: true })
    target.on('error', () => {})
    target.once('close', () => this.reset())
    target.write(first)
    // By hand: a pipe would resume what is on hold.
    this.#client.on('data', (bytes) => target.write(bytes))
    target.on('data', (bytes) => this.#client.write(bytes))
    this.#target = target
  }
}
