import type { WebSocket } from 'ws'
import type { Board, Told } from './board.js'
import { isSought, NO_FILTER } from './log-filter.js'
import {
  type HandOverAnswer,
  type LaneChange,
  type LogEntry,
  type LogFilter,
  laneOf,
  pathOfLane,
  type ServerMessage,
  type Sought,
  type SourceNow,
  type Update,
} from './protocol.js'
import { send } from './send.js'
import { UntoldPaths } from './untold.js'

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

/**
 * What is due to a page of something: all of it, as far as it was not told of it yet or is told anew; or
 * only what it is now.
 */
type Due = 'untold' | 'anew' | 'changed'

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
  readonly #untold: UntoldPaths
  /** The other paths that have changed. */
  readonly #paths = new Map<string, Due>()
  /** The same of nodes, by their keys. */
  readonly #nodes = new Map<string, Due>()
  readonly #gone = new Set<string>()
  /** The lanes of which all was told, and so perhaps more than the board has said to have changed. */
  readonly #ahead = new Set<string>()
  #lanes: LaneChange[] = []
  #log: readonly LogEntry[] = []
  /** The events that were before, as far as the page has not been told of them. */
  #older: readonly LogEntry[] = []
  /** Which events the page is told of. */
  #filter = NO_FILTER
  /** Whether what there was of those is still to be looked for. */
  #isFilterNew = true
  /** The number of the latest event that was looked at. */
  #seq = 0
  /** How many that are sought have no place in the next message. */
  #passedOver = 0
  /** When the latest message was sent, while the page has not said that it has taken it. */
  #sentAt: number | null = null
  #missed = 0
  #part = FIRST_PART

  constructor(socket: WebSocket, board: Board, about: About) {
    this.#socket = socket
    this.#board = board
    this.#untold = new UntoldPaths(board.paths)
    for (const key of board.nodes) this.#nodes.set(key, 'untold')
    this.#lookForEvents()
    const { sources } = board
    this.#send({ type: 'hello', nowMs: Date.now(), ...about, ...this.#nextPart(), sources })
    this.#unsubscribe = board.subscribe((update) => this.#update(update))
  }

  close(): void {
    this.#unsubscribe()
    this.#paths.clear()
    this.#untold.clear()
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

  /**
   * The page is told of these events only, however many others there are, and of what there was of them.
   * What it looked for before is forgotten.
   */
  lookFor({ node, path, kind }: LogFilter): void {
    this.#filter = { node, path, kind }
    this.#isFilterNew = true
    this.#tellMore()
  }

  answer(answer: HandOverAnswer): void {
    send(this.#socket, JSON.stringify(answer))
  }

  #update({ sources, paths, waiting, nodes, log, lanes, gone }: Update): void {
    const left = new Set(gone)
    for (const lane of gone) {
      this.#changed(lane).delete(pathOfLane(lane) ?? lane)
      this.#gone.add(lane)
    }
    if (gone.length > 0) this.#lanes = this.#lanes.filter(({ lane }) => !left.has(lane))
    for (const source of sources) this.#sources.set(source.id, source)
    // What has gone may have come again.
    const dueOf = (lane: string) => (left.has(lane) ? 'anew' : 'changed')
    for (const { path } of [...paths, ...waiting]) {
      if (!this.#untold.has(path)) change(this.#paths, path, dueOf(laneOf(path)))
    }
    for (const { key } of nodes) change(this.#nodes, key, dueOf(key))
    for (const one of lanes) {
      if (this.#ahead.has(one.lane)) this.#tellAnew(one.lane)
      else if (this.#dueOf(one.lane) === 'changed' && !left.has(one.lane)) this.#lanes.push(one)
    }
    this.#ahead.clear()
    if (this.#lanes.length > MOST_CHANGES) {
      for (const { lane } of this.#lanes.splice(0)) this.#tellAnew(lane)
    }
    this.#heard(log)
    this.#tellMore()
  }

  /** The board knows some of them already when a page comes, or looks for others. */
  #heard(log: readonly LogEntry[]): void {
    const news = log.filter(({ seq }) => seq > this.#seq)
    const [first, last] = [news[0], news.at(-1)]
    if (first === undefined || last === undefined) return
    // What the board itself had no place for may have been sought.
    this.#passedOver += first.seq - this.#seq - 1
    this.#seq = last.seq
    const sought = news.filter((entry) => isSought(entry, this.#filter))
    const all = this.#log.concat(sought)
    this.#log = all.slice(-MOST_EVENTS)
    this.#passedOver += all.length - this.#log.length
  }

  /** Returns from which event on. */
  #lookForEvents(): number {
    const { events } = this.#board
    const sought = events.filter((entry) => isSought(entry, this.#filter))
    this.#log = sought.slice(-MOST_EVENTS)
    this.#older = sought.slice(0, -MOST_EVENTS)
    this.#isFilterNew = false
    this.#passedOver = 0
    this.#seq = events.at(-1)?.seq ?? 0
    return events[0]?.seq ?? 0
  }

  #dueOf(lane: string): Due {
    const path = pathOfLane(lane)
    if (path !== null && this.#untold.has(path)) return 'untold'
    return this.#changed(lane).get(path ?? lane) ?? 'changed'
  }

  #tellAnew(lane: string): void {
    change(this.#changed(lane), pathOfLane(lane) ?? lane, 'anew')
  }

  #changed(lane: string): Map<string, Due> {
    return pathOfLane(lane) === null ? this.#nodes : this.#paths
  }

  #tellMore(): void {
    const changed = [this.#sources, this.#paths, this.#nodes, this.#gone]
    const waiting = !this.#untold.isEmpty || changed.some(({ size }) => size > 0)
    const events = [this.#lanes, this.#log, this.#older].some(({ length }) => length > 0)
    const isNews = waiting || events || this.#isFilterNew
    if (isNews && this.#sentAt === null) this.#sendUpdate()
  }

  #sendUpdate(): void {
    const sought: Sought | null = this.#isFilterNew
      ? { fromSeq: this.#lookForEvents(), filter: this.#filter }
      : null
    const older = this.#older.slice(-MOST_EVENTS)
    this.#older = this.#older.slice(0, -MOST_EVENTS)
    const passedOver = this.#passedOver
    this.#passedOver = 0
    this.#send({
      type: 'update',
      nowMs: Date.now(),
      ...this.#nextPart(),
      ...(older.length > 0 && { older }),
      ...(passedOver > 0 && { passedOver }),
      ...(sought !== null && { sought }),
    })
  }

  #send(message: ServerMessage): void {
    this.#sentAt = performance.now()
    this.#socket.send(JSON.stringify(message))
  }

  /** What there is to tell, as far as there is room for it in one message. */
  #nextPart(): Update {
    const told = { paths: [], waiting: [], nodes: [], lanes: this.#lanes, anew: [] } as Part
    this.#add(told, takenFrom(this.#nodes), this.#part / 2, (key) => [key, this.#board.nodeAt(key)])
    this.#add(told, this.#duePaths(), this.#part, (path, due) => {
      const known = this.#board.path(path)
      // That somebody waited may have been told.
      const isNobodyLeft = due !== 'untold' && known.waiting.length === 0
      const waiting = isNobodyLeft ? [{ path, source: '', first: [], more: 0 }] : known.waiting
      return [laneOf(path), { ...known, waiting }]
    })
    const [sources, log, gone] = [[...this.#sources.values()], this.#log, [...this.#gone]]
    this.#sources.clear()
    this.#gone.clear()
    this.#lanes = []
    this.#log = []
    return { sources, log, gone, ...told }
  }

  *#duePaths(): Generator<readonly [path: string, Due]> {
    for (const path of this.#untold.take()) yield [path, 'untold']
    yield* takenFrom(this.#paths)
  }

  /** At least one of them, and at most so many. */
  #add(
    told: Part,
    due: Iterable<readonly [key: string, Due]>,
    most: number,
    look: (key: string, due: Due) => readonly [lane: string, known: Told],
  ): void {
    let count = 0
    for (const [key, what] of due) {
      const [lane, { paths, waiting, nodes, lanes }] = look(key, what)
      told.paths.push(...paths)
      told.waiting.push(...waiting)
      told.nodes.push(...nodes)
      if (what !== 'changed') {
        if (this.#board.hasNews) this.#ahead.add(lane)
        told.anew.push(lane)
        told.lanes.push(...lanes)
      }
      count += 1
      if (count >= most || told.lanes.length > 2 * MOST_CHANGES) return
    }
  }
}

/** What is taken is due no more. */
function* takenFrom(due: Map<string, Due>): Generator<readonly [key: string, Due]> {
  for (const entry of due) {
    due.delete(entry[0])
    yield entry
  }
}

/** Once all of it is to be told it is, whatever else happens. */
function change(changed: Map<string, Due>, key: string, due: Due): void {
  const before = changed.get(key) ?? 'changed'
  changed.set(key, before === 'changed' ? due : before)
}

type Part = {
  readonly [Name in 'paths' | 'waiting' | 'nodes' | 'lanes' | 'anew']: Update[Name][number][]
}
