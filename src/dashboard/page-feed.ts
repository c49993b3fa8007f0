import type { WebSocket } from 'ws'
import type { Board } from './board.js'
import {
  type HandOverAnswer,
  type LaneChange,
  type LogEntry,
  laneOf,
  pathOfLane,
  type ServerMessage,
  type SourceNow,
  type Update,
} from './protocol.js'

/** Of so many paths, or nodes, a page is told at first: what it shows is there before the rest. */
const FIRST_PART = 500
const LARGEST_PART = 4_000
/** Parts become larger, until a page takes longer than that for one; then they become smaller. */
const LONGEST_MS = 2_000
/** So many changes of lanes wait for a page; beyond that it is told anew what those lanes show. */
const MOST_CHANGES = 5_000
/** A message has no more events than that: nobody could read them. */
const MOST_EVENTS = 1_000
/** A page that does not take a message within so many beats is left. It connects again if it is there. */
const MOST_BEATS_MISSED = 5

/** What a page is told of the dashboard itself. */
interface About {
  readonly title: string
  readonly mayHandOver: boolean
}

/**
 * Tells one page all there is to know, and from then on what changes. There is one message at a time on
 * its way: what happens until the page has taken it waits, as the names of what has changed.
 */
export class PageFeed {
  readonly #socket: WebSocket
  readonly #board: Board
  readonly #unsubscribe: () => void
  readonly #sources = new Map<string, SourceNow>()
  /** The lanes of paths and nodes that have changed, or were not told yet. */
  readonly #changed = new Set<string>()
  /** Of those, the ones that are to be told whole. */
  readonly #anew = new Set<string>()
  readonly #gone = new Set<string>()
  #lanes: LaneChange[] = []
  #log: LogEntry[] = []
  /** The events that were before the page came, as far as it has not been told of them. */
  #older: readonly LogEntry[]
  /** When the latest message was sent, while the page has not said that it has taken it. */
  #sentAt: number | null = null
  #missed = 0
  #part = FIRST_PART

  constructor(socket: WebSocket, board: Board, about: About) {
    this.#socket = socket
    this.#board = board
    for (const lane of [...board.paths.map(laneOf), ...board.nodes]) this.#tellAnew(lane)
    const { sources, events } = board
    const log = events.slice(-MOST_EVENTS)
    this.#older = events.slice(0, -MOST_EVENTS)
    this.#send({ type: 'hello', nowMs: Date.now(), ...about, ...this.#nextPart(), sources, log })
    this.#unsubscribe = board.subscribe((update) => this.#update(update))
  }

  close(): void {
    this.#unsubscribe()
    this.#changed.clear()
  }

  /** The page has taken the latest message. */
  taken(): void {
    if (this.#sentAt === null) return
    const tookMs = performance.now() - this.#sentAt
    if (tookMs < LONGEST_MS) this.#part = Math.min(LARGEST_PART, this.#part * 2)
    else this.#part = Math.max(FIRST_PART, this.#part / 2)
    this.#sentAt = null
    this.#missed = 0
    this.#tellMore()
  }

  /** Tells the page that the server is there, if there is nothing else to tell, and finds out whether it is. */
  beat(): void {
    if (this.#sentAt === null) this.#sendUpdate()
    else {
      this.#missed += 1
      if (this.#missed > MOST_BEATS_MISSED) this.#socket.terminate()
    }
  }

  answer(answer: HandOverAnswer): void {
    this.#socket.send(JSON.stringify(answer))
  }

  #update({ sources, paths, waiting, nodes, log, lanes, gone }: Update): void {
    const left = new Set(gone)
    for (const lane of gone) {
      this.#changed.delete(lane)
      this.#anew.delete(lane)
      this.#gone.add(lane)
    }
    if (gone.length > 0) this.#lanes = this.#lanes.filter(({ lane }) => !left.has(lane))
    for (const source of sources) this.#sources.set(source.id, source)
    for (const lane of [
      ...[...paths, ...waiting].map(({ path }) => laneOf(path)),
      ...nodes.map(({ key }) => key),
    ]) {
      // It may have gone and come again.
      if (left.has(lane)) this.#tellAnew(lane)
      else this.#changed.add(lane)
    }
    for (const change of lanes) {
      if (!this.#anew.has(change.lane) && !left.has(change.lane)) this.#lanes.push(change)
    }
    if (this.#lanes.length > MOST_CHANGES) {
      for (const { lane } of this.#lanes.splice(0)) this.#tellAnew(lane)
    }
    this.#log = this.#log.concat(log).slice(-MOST_EVENTS)
    this.#tellMore()
  }

  #tellAnew(lane: string): void {
    this.#changed.add(lane)
    this.#anew.add(lane)
  }

  #tellMore(): void {
    const waiting = [this.#sources, this.#changed, this.#gone].some(({ size }) => size > 0)
    const isNews =
      waiting || this.#older.length > 0 || this.#lanes.length > 0 || this.#log.length > 0
    if (isNews && this.#sentAt === null) this.#sendUpdate()
  }

  #sendUpdate(): void {
    const older = this.#older.slice(-MOST_EVENTS)
    this.#older = this.#older.slice(0, -MOST_EVENTS)
    this.#send({
      type: 'update',
      nowMs: Date.now(),
      ...this.#nextPart(),
      ...(older.length > 0 && { older }),
    })
  }

  #send(message: ServerMessage): void {
    this.#sentAt = performance.now()
    this.#socket.send(JSON.stringify(message))
  }

  /** What there is to tell, as far as there is room for it in one message. */
  #nextPart(): Update {
    const told = { paths: [], waiting: [], nodes: [], lanes: this.#lanes, anew: [] } as Part
    let count = 0
    for (const lane of this.#changed) {
      const isAnew = this.#anew.delete(lane)
      this.#changed.delete(lane)
      this.#add(told, lane, isAnew)
      count += 1
      if (count >= this.#part || told.lanes.length > 2 * MOST_CHANGES) break
    }
    const [sources, log, gone] = [[...this.#sources.values()], this.#log, [...this.#gone]]
    this.#sources.clear()
    this.#gone.clear()
    this.#lanes = []
    this.#log = []
    return { sources, log, gone, ...told }
  }

  #add(told: Part, lane: string, isAnew: boolean): void {
    const path = pathOfLane(lane)
    const { paths, waiting, nodes, lanes } =
      path === null ? this.#board.nodeAt(lane) : this.#board.path(path)
    told.paths.push(...paths)
    told.waiting.push(...waiting)
    told.nodes.push(...nodes)
    if (!isAnew) return
    told.anew.push(lane)
    told.lanes.push(...lanes)
  }
}

type Part = {
  readonly [Name in 'paths' | 'waiting' | 'nodes' | 'lanes' | 'anew']: Update[Name][number][]
}
