import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { errorFrom } from '../errors.js'
import { type ControlMessage, DEEPEST_MESSAGE } from '../inspection/message.js'
import { parseJson } from '../json.js'
import { Access, isLoopback } from './access.js'
import { askedFrom } from './asked.js'
import type { Board } from './board.js'
import { type PageFile, readPage } from './files.js'
import type { Guesses } from './guesses.js'
import { HEADERS, rawAnswer } from './headers.js'
import { InspectedProcess } from './inspected-process.js'
import { PageFeed } from './page-feed.js'
import type { Action, Control, HandOver } from './protocol.js'
import { send } from './send.js'

/**
 * What a page sends is short; what a process sends may hold a value as long as etcd takes. ws keeps each part of
 * a message together with whatever came with it, and the types that it has leave that bound out.
 */
const FROM_PAGES = { noServer: true, maxPayload: 10_000, maxFragments: 8 }
const FROM_PROCESSES = { noServer: true, maxPayload: 4_000_000, maxFragments: 64 }
/** Whoever has not sent the head of a request by then is left. */
const HEAD_WITHIN_MS = 10_000
/** How often it is looked for those. */
const LOOK_EVERY_MS = 5_000
/** Connections at a time, whatever becomes of them: each takes memory before it has said who it is. */
const MOST_CONNECTIONS = 10_000
/** So many processes are listened to at a time. */
const MOST_PROCESSES = 2_000
/** So many pages are served at a time. */
const MOST_PAGES = 32
/** A page that hears nothing for three beats knows that the server is gone. */
const BEAT_EVERY_MS = 2_000

const ASK_FOR_TOKEN =
  'Open this address with ?token=… after it: the token that `locked dashboard` has printed, or that LOCKED_DASHBOARD_TOKEN sets.'

export interface DashboardSettings {
  readonly board: Board
  readonly title: string
  readonly host: string
  readonly port: number
  /** Asked for whenever it is set, and from other machines and by proxies when it is not: it is made up then. */
  readonly token?: string | undefined
  /** Who guesses at the token, if not by the clock of this process. */
  readonly guesses?: Guesses
  /** The folder of the page’s files, if not where the build puts them. */
  readonly page?: URL
  /** Whether pages may act on the nodes that offer it, and ask leaders to hand over; otherwise the dashboard is read-only. */
  readonly allowControl?: boolean
  /**
   * Asks the leader of `path` to hand over, to the candidate with the id `to` or to the one that came
   * last. Rejects when nothing came of it.
   */
  readonly handOver?: ((path: string, to: string | null) => Promise<unknown>) | undefined
}

interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Buffer
}

/** The dashboard’s server: serves its one page, tells it what the board shows, and listens to inspectors. */
export class Dashboard {
  readonly #settings: DashboardSettings
  readonly #server: Server
  readonly #access: Access
  readonly #token: string
  /** A token that was set is meant to be asked for: of a proxy, say, that shows itself in no way. */
  #isTokenAsked = true
  readonly #files: ReadonlyMap<string, PageFile>
  readonly #pages = new WebSocketServer(FROM_PAGES)
  readonly #processes = new WebSocketServer(FROM_PROCESSES)
  /** By the path they are at. */
  readonly #servers: ReadonlyMap<string, WebSocketServer> = new Map([
    ['/live', this.#pages],
    ['/inspect', this.#processes],
  ])
  /** All connections, whatever became of them. */
  readonly #sockets = new Set<Socket>()
  readonly #beating: NodeJS.Timeout
  /** Processes that have not answered the latest ping. */
  readonly #silent = new Set<WebSocket>()
  readonly #feeds = new Set<PageFeed>()
  readonly #controllers = new Map<string, (action: Action) => void>()
  /** Paths whose leaders are asked to hand over. */
  readonly #handingOver = new Set<string>()
  #processCount = 0

  private constructor(settings: DashboardSettings, files: ReadonlyMap<string, PageFile>) {
    this.#settings = settings
    this.#files = files
    this.#token = settings.token ?? randomBytes(16).toString('hex')
    this.#access = new Access(this.#token, () => this.#isTokenAsked, settings.guesses)
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      const { status, headers, body } = this.#answer(request)
      response.writeHead(status, { ...HEADERS, ...headers })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    this.#server = createServer(
      { headersTimeout: HEAD_WITHIN_MS, connectionsCheckingInterval: LOOK_EVERY_MS },
      answer,
    )
    this.#server.maxConnections = MOST_CONNECTIONS
    this.#server.on('checkExpectation', answer)
    this.#server.on('connection', (socket) => this.#keep(socket))
    this.#server.on('clientError', (error, socket) => hangUp(socket, statusOf(error)))
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#pages.on('connection', (socket) => this.#welcome(socket))
    this.#processes.on('connection', (socket, request) => this.#inspect(socket, request))
    this.#beating = setInterval(() => this.#beat(), BEAT_EVERY_MS).unref()
  }

  /**
   * Resolves once it can be used. Rejects with what `listen` says, such as EADDRINUSE.
   */
  static async open(settings: DashboardSettings): Promise<Dashboard> {
    const dashboard = new Dashboard(settings, await readPage(settings.page))
    dashboard.#server.listen(settings.port, settings.host)
    await once(dashboard.#server, 'listening')
    const { address } = dashboard.#address
    dashboard.#isTokenAsked = settings.token !== undefined || !isLoopback(address)
    return dashboard
  }

  /** The address to open, with the token in it if that is asked for. */
  get url(): string {
    const { port } = this.#address
    const { host } = this.#settings
    const name = host.includes(':') ? `[${host}]` : host
    const query = this.#isTokenAsked ? `?token=${encodeURIComponent(this.#token)}` : ''
    return `http://${name}:${port}/${query}`
  }

  async close(): Promise<void> {
    clearInterval(this.#beating)
    for (const client of [...this.#pages.clients, ...this.#processes.clients]) client.terminate()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Tells pages that the server is there, and finds out which processes are. */
  #beat(): void {
    for (const feed of this.#feeds) feed.beat()
    for (const client of this.#processes.clients) {
      if (this.#silent.has(client)) client.terminate()
      this.#silent.add(client)
      client.ping()
    }
  }

  /** First of all: a connection may be reset at any moment, also when nobody else listens to it. */
  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  get #address(): AddressInfo {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is closed')
    return address
  }

  #answer(request: IncomingMessage): Answer {
    const url = urlOf(request)
    if (url === null) return refusal(400, 'Not an address.')
    const entry = this.#access.enter(request, url)
    switch (entry.kind) {
      case 'refused':
        return refusal(403, ASK_FOR_TOKEN)
      case 'later':
        return refusal(429, 'There were wrong tokens: wait a little.', retryAfter(entry.afterMs))
      case 'entered':
        return this.#serve(request, url, entry.cookie)
    }
  }

  #serve(request: IncomingMessage, url: URL, cookie: string | null): Answer {
    const file = this.#files.get(url.pathname)
    if (file === undefined) return refusal(404, 'Nothing here.')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refusal(405, 'Only to be read.')
    }
    if (cookie !== null) {
      url.searchParams.delete('token')
      // Relative: a proxy may serve it below a path of its own.
      const location = `.${url.pathname}${url.search}`
      return { status: 303, headers: { 'set-cookie': cookie, location }, body: '' }
    }
    return { status: 200, headers: { 'content-type': file.type }, body: file.body }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = urlOf(request)
    if (url === null) {
      hangUp(socket, 400)
      return
    }
    const server = this.#servers.get(url.pathname)
    if (server === undefined) {
      hangUp(socket, 404)
      return
    }
    const entry = this.#access.enter(request, url)
    if (entry.kind === 'later') {
      hangUp(socket, 429, retryAfter(entry.afterMs))
      return
    }
    if (entry.kind === 'refused' || !this.#access.isOwnOrigin(request)) {
      hangUp(socket, 403)
      return
    }
    const most = server === this.#pages ? MOST_PAGES : MOST_PROCESSES
    if (server.clients.size >= most) {
      hangUp(socket, 503)
      return
    }
    server.handleUpgrade(request, socket, head, (client) =>
      server.emit('connection', client, request),
    )
  }

  /** Tells a page what there is to know, and does what it asks for. */
  #welcome(socket: WebSocket): void {
    const { board, title } = this.#settings
    const feed = new PageFeed(socket, board, { title, mayHandOver: this.#handOver !== null })
    socket.on('error', () => socket.terminate())
    this.#feeds.add(feed)
    socket.on('close', () => {
      this.#feeds.delete(feed)
      feed.close()
    })
    socket.on('message', (data) => {
      const asked = askedFrom(parsed(String(data)))
      if (asked?.type === 'taken') feed.taken()
      if (asked?.type === 'look for') feed.lookFor(asked)
      if (asked?.type === 'control') this.#control(asked)
      if (asked?.type === 'hand over') {
        const { path } = asked
        void this.#askToHandOver(asked)?.then((problem) =>
          feed.answer({ type: 'hand over answer', path, problem }),
        )
      }
    })
  }

  /** Passes on what a page asks to be done to a node, if that node offers it. */
  #control({ node, action }: Control): void {
    if (this.#settings.allowControl !== true) return
    if (this.#settings.board.node(node)?.actions.includes(action))
      this.#controllers.get(node)?.(action)
  }

  get #handOver(): NonNullable<DashboardSettings['handOver']> | null {
    const { allowControl, handOver } = this.#settings
    return allowControl === true && handOver !== undefined ? handOver : null
  }

  /** Resolves with why nothing came of it, or with `null`. Only where candidates are shown is anybody asked. */
  #askToHandOver({ path, to }: HandOver): Promise<string | null> | null {
    const handOver = this.#handOver
    if (handOver === null) return null
    if (!this.#settings.board.isAwaited(path)) return Promise.resolve('nobody waits for that path')
    if (this.#handingOver.has(path)) return Promise.resolve('its leader is asked already')
    this.#handingOver.add(path)
    return handOver(path, to)
      .then(
        () => null,
        (thrown) => errorFrom(thrown).message,
      )
      .finally(() => this.#handingOver.delete(path))
  }

  /** `act` does to the node with that key what a page asks for. */
  offer(node: string, act: (action: Action) => void): void {
    this.#controllers.set(node, act)
  }

  /** Listens to a process that sends its inspection events. */
  #inspect(socket: WebSocket, request: IncomingMessage): void {
    const { board } = this.#settings
    this.#processCount += 1
    const id = `process ${this.#processCount}`
    const name = `process at ${request.socket.remoteAddress}:${request.socket.remotePort}`
    const say = (isConnected: boolean, problem: string | null) => {
      board.setSource({ id, kind: 'process', name, isConnected, sinceMs: Date.now(), problem })
    }
    say(true, null)
    const offered = new Set<string>()
    const inspected = new InspectedProcess(board, id, ({ sessionId, actions }, key) => {
      if (this.#settings.allowControl !== true) return []
      offered.add(key)
      this.offer(key, (action) => {
        const message: ControlMessage = { type: 'locked.control', sessionId, action }
        send(socket, JSON.stringify(message))
      })
      return actions
    })
    socket.on('message', (data) => inspected.take(parsed(String(data))))
    socket.on('error', () => socket.terminate())
    socket.on('pong', () => this.#silent.delete(socket))
    socket.on('close', () => {
      this.#silent.delete(socket)
      for (const key of offered) this.#controllers.delete(key)
      say(false, 'its connection has ended')
    })
  }
}

function urlOf({ url }: IncomingMessage): URL | null {
  const base = 'http://localhost'
  return URL.canParse(url ?? '/', base) ? new URL(url ?? '/', base) : null
}

/** Ends a connection that is no HTTP any more, without waiting for the other side to end it too. */
function hangUp(
  socket: Duplex,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (socket.writable) socket.end(rawAnswer(status, headers), () => socket.destroy())
  else socket.destroy()
}

/** How a request is answered that is none. */
function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}

function refusal(status: number, why: string, more: OutgoingHttpHeaders = {}): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8', ...more }
  return { status, headers, body: `${why}\n` }
}

/** In whole seconds, as HTTP has it. */
function retryAfter(afterMs: number): Readonly<Record<string, string>> {
  return { 'retry-after': String(Math.ceil(afterMs / 1_000)) }
}

/** What is not JSON tells nothing, nor what no process of ours would send. */
function parsed(text: string): unknown {
  return parseJson(text, DEEPEST_MESSAGE)
}
