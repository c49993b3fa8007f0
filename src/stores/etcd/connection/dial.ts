import { connect } from 'node:net'
import { partsOf } from './addresses.js'
import { askProxy, proxyTo } from './proxy.js'

export interface Dialling {
  readonly timeoutMs: number
  /** Gives it up. */
  readonly signal: AbortSignal
}

/**
 * Resolves when something takes connections at `address`, a `host:port`; rejects with why not.
 *
 * gRPC waits for as long as the system does for a host that swallows packets, two minutes say, even
 * once it has been closed, and keeps the process from ending meanwhile. So it is only sent to where
 * somebody answers; by way of a proxy where gRPC goes by way of it.
 */
export function dial(address: string, { timeoutMs, signal }: Dialling): Promise<void> {
  const { host, port } = partsOf(address)
  const proxy = proxyTo(host)
  return new Promise((resolve, reject) => {
    const socket = connect(
      proxy === null ? { host, port } : partsOf(`${proxy.hostname}:${proxy.port || 80}`),
    )
    let giveUp: NodeJS.Immediate | undefined
    const end = (error?: unknown) => {
      clearTimeout(timer)
      clearImmediate(giveUp)
      signal.removeEventListener('abort', abandon)
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    const abandon = () => end(signal.reason)
    const late = () => end(new Error(`connect: ${address} does not answer within ${timeoutMs} ms`))
    // When the event loop was busy, an answer that has arrived meanwhile is heard first.
    const timer = setTimeout(() => {
      giveUp = setImmediate(late)
    }, timeoutMs)
    signal.addEventListener('abort', abandon)
    socket.once('connect', () => {
      if (proxy === null) end()
      else askProxy(proxy, address, socket, end)
    })
    socket.on('error', (error) => end(error))
    if (signal.aborted) abandon()
  })
}
