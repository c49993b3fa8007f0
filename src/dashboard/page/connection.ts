import { isNoFilter, NO_FILTER } from '../log-filter.js'
import type {
  Control,
  HandOver,
  HandOverAnswer,
  LogFilter,
  LookFor,
  ServerMessage,
  Taken,
} from '../protocol.js'
import type { Model } from './model.js'

/** The server tells something at least every two seconds. */
const SILENCE_MS = 6_000
const AGAIN_MS = 1_000
/** What comes meanwhile comes together. */
const TAKEN_AFTER_MS = 50

/** The connection to the server that this page came from. It connects again for as long as the page is open. */
export class Connection {
  readonly #model: Model
  #socket: WebSocket | null = null
  #silence = 0
  #filter = NO_FILTER

  constructor(model: Model) {
    this.#model = model
    this.#connect()
  }

  control(control: Omit<Control, 'type'>): void {
    this.#socket?.send(JSON.stringify({ type: 'control', ...control }))
  }

  /** Asks the leader of `path` to hand over; the model knows what comes of it. */
  handOver(path: string, to: string | null): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    const asked: HandOver = { type: 'hand over', path, to }
    this.#socket.send(JSON.stringify(asked))
    this.#model.asking(path)
  }

  /** From now on the model is told of these events only. */
  lookFor(filter: LogFilter): void {
    if (filter === this.#filter) return
    this.#filter = filter
    if (this.#socket?.readyState === WebSocket.OPEN) this.#lookFor(this.#socket)
  }

  #lookFor(socket: WebSocket): void {
    const asked: LookFor = { type: 'look for', ...this.#filter }
    socket.send(JSON.stringify(asked))
  }

  #connect(): void {
    const socket = new WebSocket(new URL('live', location.href.replace(/^http/, 'ws')))
    this.#socket = socket
    this.#listen(socket)
    socket.addEventListener('open', () => {
      if (!isNoFilter(this.#filter)) this.#lookFor(socket)
    })
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return
      this.#listen(socket)
      // Our own server, of the same version as this page.
      const message: ServerMessage | HandOverAnswer = JSON.parse(data)
      if (message.type === 'hand over answer') this.#model.answered(message)
      else {
        this.#model.take(message)
        this.#taken(socket)
      }
    })
    socket.addEventListener('close', () => this.#again(socket))
  }

  /** Asks for more, once what has come is drawn: timers wait for that, but not where nobody looks. */
  #taken(socket: WebSocket): void {
    const say = () => {
      const taken: Taken = { type: 'taken' }
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(taken))
    }
    if (document.hidden) say()
    else setTimeout(say, TAKEN_AFTER_MS)
  }

  #listen(socket: WebSocket): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      socket.close()
      this.#again(socket)
    }, SILENCE_MS)
  }

  #again(socket: WebSocket): void {
    if (this.#socket !== socket) return
    clearTimeout(this.#silence)
    this.#socket = null
    this.#model.lost()
    setTimeout(() => this.#connect(), AGAIN_MS)
  }
}
