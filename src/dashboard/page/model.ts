import { isNoFilter, isSought } from '../log-filter.js'
import type {
  HandOverAnswer,
  LaneChange,
  LogEntry,
  NodeNow,
  PathNow,
  ServerMessage,
  Sought,
  SourceNow,
  Update,
  WaitingNow,
} from '../protocol.js'
import { pathOfLane } from '../protocol.js'

const LOG_LENGTH = 10_000
const LANE_LENGTH = 1_000
/** Processes may send events of any kind: so many can be chosen from. */
const MOST_KINDS = 100

/** What the page knows, as the server has told it. */
export class Model {
  title = ''
  readonly sources = new Map<string, SourceNow>()
  readonly paths = new Map<string, PathNow>()
  /** Who waits, by path. */
  readonly waiting = new Map<string, WaitingNow>()
  readonly nodes = new Map<string, NodeNow>()
  readonly lanes = new Map<string, LaneChange[]>()
  /** What happened, as far as it is sought. */
  log: LogEntry[] = []
  /** The kinds of all events that were told. */
  readonly kinds = new Set<string>()
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
  /** The paths that somebody holds or waits for, or held, in their order. */
  order: readonly string[] = []
  /** How many events were not told, as there were too many at once. */
  passedOver = 0
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
      const all = [this.sources, this.paths, this.waiting, this.nodes, this.lanes, this.kinds]
      for (const known of all) known.clear()
      this.log = []
      this.order = []
      this.passedOver = 0
    }
    this.isConnected = true
    this.lostAtMs = null
    if (message.type === 'update') {
      if (message.sought !== undefined) this.#seek(message.sought)
      this.passedOver += message.passedOver ?? 0
      this.#tellOf(message.older ?? [])
    }
    this.#tellOf(message.log)
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

  /** Of what was told before, it is kept what is sought and will not be told once more. */
  #seek({ filter, fromSeq }: Sought): void {
    this.passedOver = 0
    this.log = isNoFilter(filter)
      ? []
      : this.log.filter((entry) => entry.seq < fromSeq && isSought(entry, filter))
  }

  #tellOf(events: readonly LogEntry[]): void {
    const [first] = events
    if (first === undefined) return
    for (const { kind } of events) if (this.kinds.size < MOST_KINDS) this.kinds.add(kind)
    const isLater = first.seq > (this.log.at(-1)?.seq ?? 0)
    const all = [...this.log, ...events]
    if (!isLater) all.sort((one, other) => one.seq - other.seq)
    this.log = all.slice(-LOG_LENGTH)
  }

  #merge({ sources, paths, waiting, nodes, lanes, anew, gone }: Update): void {
    const isKnownPath = (path: string) => this.paths.has(path) || this.waiting.has(path)
    const others = [...paths, ...waiting].map(({ path }) => path).filter((one) => !isKnownPath(one))
    const left = gone.flatMap((lane) => pathOfLane(lane) ?? [])
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
    for (const lane of anew) this.lanes.delete(lane)
    for (const change of lanes) {
      const changes = this.lanes.get(change.lane) ?? []
      this.lanes.set(change.lane, changes)
      changes.push(change)
      if (changes.length > LANE_LENGTH) changes.splice(0, LANE_LENGTH / 10)
    }
    const awaited = waiting.filter(({ first }) => first.length === 0).map(({ path }) => path)
    this.#keepOrder(
      others,
      [...left, ...awaited].filter((path) => !isKnownPath(path)),
    )
    if (others.length > 0 || gone.length > 0 || nodes.length > 0) this.pathsVersion += 1
  }

  /** Of very many paths few are new at a time, and mostly they come in their order. */
  #keepOrder(added: readonly string[], left: readonly string[]): void {
    if (left.length > 0) {
      const gone = new Set(left)
      this.order = this.order.filter((path) => !gone.has(path))
      this.pathsVersion += 1
    }
    const fresh = [...new Set(added)]
      .filter((path) => this.paths.has(path) || this.waiting.has(path))
      .sort()
    const [first] = fresh
    if (first === undefined) return
    const isLater = (this.order.at(-1) ?? '') < first
    this.order = isLater ? this.order.concat(fresh) : this.order.concat(fresh).sort()
  }
}
