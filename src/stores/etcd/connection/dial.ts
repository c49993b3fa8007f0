import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { partsOf } from './addresses.js'
import { askProxy, proxyTo } from './proxy.js'

/** How long a server may take to end what is ended in good order, in milliseconds. */
export const HANG_UP_WITHIN_MS = 1_000
/** And to finish a handshake that nobody waits for any more. */
const SHAKE_HANDS_WITHIN_MS = 5_000

export interface Dialling {
  readonly timeoutMs: number
  /** Gives it up. */
  readonly signal: AbortSignal
}

interface Dial extends Dialling {
  /** Whether it goes by way of a proxy that the environment names, as gRPC does unless it is told not to. */
  readonly byProxy?: boolean
}

/** What a TLS handshake is made with. */
export interface Handshake {
  /** Whom it asks for. */
  readonly name: string
  readonly key?: Buffer | undefined
  readonly cert?: Buffer | undefined
}

/**
 * Resolves when something takes connections at `address`, a `host:port`; rejects with why not.
 *
 * With a `handshake` it is made, since a TLS server logs each connection that ends without one; also
 * when it is given up meanwhile. Whether that is the right server is left to gRPC.
 *
 * gRPC waits for as long as the system does for a host that swallows packets, two minutes say, even
 * once it has been closed, and keeps the process from ending meanwhile. So it is only sent to where
 * somebody answers; by way of a proxy where gRPC goes by way of it.
 */
export function dial(
  address: string,
  { timeoutMs, signal, byProxy = true }: Dial,
  handshake: Handshake | null = null,
): Promise<void> {
  const { host, port } = partsOf(address)
  const proxy = byProxy ? proxyTo(host) : null
  return new Promise((resolve, reject) => {
    const socket = connect(
      proxy === null ? { host, port } : partsOf(`${proxy.hostname}:${proxy.port || 80}`),
    )
    let secured: Socket | null = null
    let giveUp: NodeJS.Immediate | undefined
    const end = (error?: unknown) => {
      clearTimeout(timer)
      clearImmediate(giveUp)
      signal.removeEventListener('abort', abandon)
      if (error === undefined && secured !== null) hangUp(secured)
      else {
        secured?.destroy()
        socket.destroy()
      }
      if (error === undefined) resolve()
      else reject(error)
    }
    const abandon = () => {
      if (secured === null) {
        end(signal.reason)
        return
      }
      clearTimeout(timer)
      clearImmediate(giveUp)
      // It hangs up once it is done.
      endWithin(SHAKE_HANDS_WITHIN_MS, secured)
      secured.unref()
      reject(signal.reason)
    }
    const late = () => end(new Error(`connect: ${address} does not answer within ${timeoutMs} ms`))
    // When the event loop was busy, an answer that has arrived meanwhile is heard first.
    const timer = setTimeout(() => {
      giveUp = setImmediate(late)
    }, timeoutMs)
    signal.addEventListener('abort', abandon)
    const connected = (refusal?: Error) => {
      if (refusal !== undefined || handshake === null) {
        end(refusal)
        return
      }
      secured = shakeHands(socket, handshake, () => end())
      secured.on('error', end)
    }
    socket.once('connect', () => {
      if (proxy === null) connected()
      else askProxy(proxy, address, socket, connected)
    })
    socket.on('error', end)
    if (signal.aborted) abandon()
  })
}

function shakeHands(socket: Socket, { name, key, cert }: Handshake, done: () => void): Socket {
  const options = { socket, servername: name, key, cert, ALPNProtocols: ['h2'] }
  return connectSecurely({ ...options, rejectUnauthorized: false }, done)
}

/** In good order: a server logs a reset as well. It keeps no process alive. */
function hangUp(socket: Socket): void {
  endWithin(HANG_UP_WITHIN_MS, socket)
  // What it still has to say, such as session tickets, is of no interest.
  socket.unref().resume().end()
}

function endWithin(ms: number, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), ms).unref()
  socket.once('close', () => clearTimeout(timer))
}
