import { connect } from 'node:net'
import { partsOf } from './addresses.js'

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
 * somebody answers.
 */
export function dial(address: string, { timeoutMs, signal }: Dialling): Promise<void> {
  // gRPC goes by way of a proxy, to where there may be no other way.
  if (usesProxy(process.env)) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const socket = connect(partsOf(address))
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
    socket.once('connect', () => end())
    socket.on('error', (error) => end(error))
    if (signal.aborted) abandon()
  })
}

/** As gRPC reads the environment (grpc-js, http_proxy.ts). */
function usesProxy({ grpc_proxy, https_proxy, http_proxy }: NodeJS.ProcessEnv): boolean {
  return Boolean(grpc_proxy || https_proxy || http_proxy)
}
