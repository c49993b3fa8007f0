import type {
  HandOverAnswer,
  LaneChange,
  LogEntry,
  NodeNow,
  PathNow,
  ServerMessage,
  SourceNow,
  Update,
  WaitingNow,
} from '../protocol.js'
import { pathOfLane } from '../protocol.js'

const LOG_LENGTH = 10_000
const LANE_LENGTH = 1_000

/** What the page knows, as the server has told it. */
export class Model {
  title = ''
  readonly sources = new Map<string, SourceNow>()
  readonly paths = new Map<string, PathNow>()
  /** Who waits, by path. */
  readonly waiting = new Map<string, WaitingNow>()
  readonly nodes = new Map<string, NodeNow>()
  readonly lanes = new Map<string, LaneChange[]>()
  log: LogEntry[] = []
  /** Whether leaders can be asked from here to hand over. */
  mayHandOver = false
  /** What became of that, by path: `null` while there is no answer. */
  readonly asked = new Map<string, string | null>()
  /** Whether the server is there; while it is not, what is known is only what was known last. */
  isConnected = false
  /** When it was lost, by this page’s clock. */
  lostAtMs: number | null = null
  /** Grows whenever there are other paths than before. */
  pathsVersion = 0
  #aheadMs = 0
  readonly #listeners = new Set<() => void>()

  /** Now, by the server’s clock. */
  nowMs(): number {
    return Date.now() + this.#aheadMs
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  take(message: ServerMessage): void {
    this.#aheadMs = message.nowMs - Date.now()
    if (message.type === 'hello') {
      this.title = message.title
      this.mayHandOver = message.mayHandOver
      const all = [this.sources, this.paths, this.waiting, this.nodes, this.lanes]
      for (const known of all) known.clear()
      this.log = []
    }
    this.isConnected = true
    this.lostAtMs = null
    this.#merge(message)
    this.changed()
  }

  /** A leader is asked to hand over. */
  asking(path: string): void {
    this.asked.set(path, null)
    this.changed()
  }

  /** That another leads is seen at the path. */
  answered({ path, problem }: HandOverAnswer): void {
    if (problem === null) this.asked.delete(path)
    else this.asked.set(path, problem)
    this.changed()
  }

  lost(): void {
    // No answer comes over a connection that has ended.
    this.asked.clear()
    if (this.lostAtMs === null) this.lostAtMs = Date.now()
    this.isConnected = false
    this.changed()
  }

  /** Whether what this source has told is known to be so now. */
  isKnown(source: string): boolean {
    return this.isConnected && this.sources.get(source)?.isConnected === true
  }

  changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #merge({ sources, paths, waiting, nodes, log, lanes, gone }: Update): void {
    const isOther = gone.length > 0 || nodes.length > 0
    const isNew = paths.some(({ path }) => !this.paths.has(path))
    if (isOther || isNew || waiting.some(({ path }) => !this.paths.has(path)))
      this.pathsVersion += 1
    for (const one of gone) {
      this.sources.delete(one)
      this.nodes.delete(one)
      this.lanes.delete(one)
      const path = pathOfLane(one)
      if (path !== null) this.paths.delete(path)
    }
    for (const source of sources) this.sources.set(source.id, source)
    for (const path of paths) {
      // What came of asking another leader is of no interest any more.
      const isOver = this.paths.get(path.path)?.holder?.token !== path.holder?.token
      if (isOver && this.asked.get(path.path) !== null) this.asked.delete(path.path)
      this.paths.set(path.path, path)
    }
    for (const one of waiting) {
      if (one.first.length === 0) this.waiting.delete(one.path)
      else this.waiting.set(one.path, one)
    }
    for (const node of nodes) this.nodes.set(node.key, node)
    for (const change of lanes) {
      const changes = this.lanes.get(change.lane) ?? []
      this.lanes.set(change.lane, changes)
      changes.push(change)
      if (changes.length > LANE_LENGTH) changes.splice(0, LANE_LENGTH / 10)
    }
    if (log.length > 0) this.log = [...this.log, ...log].slice(-LOG_LENGTH)
  }
}
