import type { WebSocket } from 'ws'
import type { Board } from './board.js'
import { type HandOverAnswer, pathOfLane, type ServerMessage, type Update } from './protocol.js'

/** A page that takes its messages too slowly is told everything anew, once it has caught up. */
const MOST_BUFFERED_BYTES = 8_000_000
/** So many paths are told at a time: the first are seen while the others are on their way. */
const PATHS_AT_A_TIME = 500

const NOTHING: Update = {
  sources: [],
  paths: [],
  waiting: [],
  nodes: [],
  log: [],
  lanes: [],
  gone: [],
}

/** What a page is told of the dashboard itself. */
interface About {
  readonly title: string
  readonly mayHandOver: boolean
}

/** Tells one page all there is to know, and from then on what changes. */
export class PageFeed {
  readonly #socket: WebSocket
  readonly #board: Board
  readonly #about: About
  readonly #unsubscribe: () => void
  #isBehind = false
  /** The paths that it has not been told of yet. What happens there comes with them. */
  #untold = new Set<string>()

  constructor(socket: WebSocket, board: Board, about: About) {
    this.#socket = socket
    this.#board = board
    this.#about = about
    this.#tellAll()
    this.#unsubscribe = board.subscribe((update) => this.#update(update))
  }

  close(): void {
    this.#unsubscribe()
    this.#untold.clear()
  }

  tell(message: ServerMessage | HandOverAnswer, taken?: () => void): void {
    this.#socket.send(JSON.stringify(message), taken)
  }

  /** That the server is there. */
  static beat(): string {
    return JSON.stringify({ type: 'update', nowMs: Date.now(), ...NOTHING })
  }

  #tellAll(): void {
    const { first, rest } = this.#board.beginning(PATHS_AT_A_TIME)
    const untold = new Set(rest)
    this.#untold = untold
    this.tell({ type: 'hello', nowMs: Date.now(), ...this.#about, ...first }, () =>
      this.#tellMore(untold),
    )
  }

  /** One part after the other has gone out. */
  #tellMore(untold: Set<string>): void {
    if (untold.size === 0 || untold !== this.#untold) return
    const paths: string[] = []
    for (const path of untold) {
      untold.delete(path)
      if (paths.push(path) === PATHS_AT_A_TIME) break
    }
    const more = { ...NOTHING, ...this.#board.of(paths) }
    this.tell({ type: 'update', nowMs: Date.now(), ...more }, () => this.#tellMore(untold))
  }

  #update(update: Update): void {
    if (this.#socket.bufferedAmount > MOST_BUFFERED_BYTES) this.#isBehind = true
    else if (this.#isBehind) {
      this.#isBehind = false
      this.#tellAll()
    } else this.tell({ type: 'update', nowMs: Date.now(), ...this.#told(update) })
  }

  /** What is news to a page that does not know of all paths yet. */
  #told(update: Update): Update {
    const untold = this.#untold
    if (untold.size === 0) return update
    const isTold = ({ path }: { readonly path: string }) => !untold.has(path)
    return {
      ...update,
      paths: update.paths.filter(isTold),
      waiting: update.waiting.filter(isTold),
      lanes: update.lanes.filter(({ lane }) => !untold.has(pathOfLane(lane) ?? '')),
    }
  }
}
