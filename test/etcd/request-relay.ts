import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

/** A proxy in front of etcd that knows requests, as those do that balance HTTP/2. */
export interface RequestRelay extends AsyncDisposable {
  /** `host:port` for clients. */
  readonly endpoint: string
  /** What etcd answers to requests of that method from now on is kept back, such as `LeaseKeepAlive`. */
  hold(method: string): void
  /** Passes on what was kept back, and keeps nothing back any more. */
  release(): void
  stop(): Promise<void>
}

/** Starts one. `targetOf` tells to which `host:port` a request of that method goes. */
export async function startRequestRelay(
  targetOf: (method: string) => string,
): Promise<RequestRelay> {
  const relay = new Http2Relay(targetOf)
  await relay.listen()
  return relay
}

class Http2Relay implements RequestRelay {
  endpoint = ''
  readonly #targetOf: (method: string) => string
  readonly #server = createServer()
  /** One to each target, for each client's connection. */
  readonly #sessions = new Set<{ destroy(): void }>()
  #held: string | null = null
  readonly #waiting = new Set<() => void>()

  constructor(targetOf: (method: string) => string) {
    this.#targetOf = targetOf
    this.#server.on('session', (session) => {
      this.#sessions.add(session)
      const targets = new Map<string, ClientHttp2Session>()
      const connectTo = (address: string) => {
        const target = connect(`http://${address}`)
        target.on('error', () => session.destroy())
        this.#sessions.add(target)
        return target
      }
      session.on('stream', (stream, headers) => {
        const method = String(headers[':path']).split('/').at(-1) ?? ''
        const address = this.#targetOf(method)
        const target = targets.get(address) ?? connectTo(address)
        targets.set(address, target)
        void this.#pass(method, headers, stream, target)
      })
      session.on('error', () => undefined)
      session.on('close', () => {
        for (const target of targets.values()) target.destroy()
      })
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo
    this.endpoint = `127.0.0.1:${port}`
  }

  hold(method: string): void {
    this.#held = method
  }

  release(): void {
    this.#held = null
    for (const pass of this.#waiting) pass()
    this.#waiting.clear()
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const session of this.#sessions) session.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #pass(
    method: string,
    headers: IncomingHttpHeaders,
    stream: ServerHttp2Stream,
    target: ClientHttp2Session,
  ): Promise<void> {
    const request = target.request(headers, { endStream: false })
    let trailers = {}
    request.on('trailers', (given) => {
      trailers = given
    })
    request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
    stream.on('error', () => undefined)
    stream.on('close', () => request.close(constants.NGHTTP2_CANCEL))
    stream.pipe(request)
    const [answer, flags] = await once(request, 'response').catch(() => [null, 0])
    if (method === this.#held) await new Promise<void>((pass) => this.#waiting.add(pass))
    if (answer === null || stream.destroyed) return
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(answer, { endStream, waitForTrailers: !endStream })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    if (!endStream) request.pipe(stream)
  }
}
