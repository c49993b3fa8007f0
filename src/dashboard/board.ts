import { equal } from '../../machines/equal.js'
import { Lanes } from './lanes.js'
import { isRenewal } from './log-filter.js'
import {
  type CandidateNow,
  type LaneChange,
  type LogEntry,
  laneOf,
  type NodeNow,
  type PathHolder,
  type PathNow,
  type SourceNow,
  type Update,
} from './protocol.js'
import { shortened } from './shortened.js'
import { Waiting } from './waiting.js'

/** So much of the past is kept, for pages that are opened later. */
const LOG_LENGTH = 5_000
/** Of so many paths it is still shown that they are vacant, of those that became so last. */
const MOST_VACANT = 1_000
/** So many nodes are shown. Those that come beyond that are not, until others have stopped or gone. */
const MOST_NODES = 10_000
/** Of so many nodes it is still shown that they have stopped, of those that did so last. */
const MOST_STOPPED = 1_000
/** Changes are told together, so that a page has something to do a few times a second at most. */
const TOLD_EVERY_MS = 100
/** A node whose process has gone is shown as gone for so long, and then forgotten. */
const GONE_FOR_MS = 300_000
/** So many processes are shown as gone: those that went last. */
const MOST_GONE = 1_000
/** As much of a path as the log shows: it may be as long as etcd takes. */
const LONGEST_PATH = 2_000

/** What there is to know of something that has a lane. */
export type Told = Pick<Update, 'paths' | 'waiting' | 'nodes' | 'lanes'>

/** All that the dashboard knows, from whichever source; tells its listeners what changes. */
export class Board {
  readonly #sources = new Map<string, SourceNow>()
  readonly #paths = new Map<string, PathNow>()
  readonly #waiting = new Waiting()
  /** The paths that are vacant, in the order in which they became so. */
  readonly #vacant = new Set<string>()
  readonly #nodes = new Map<string, NodeNow>()
  /** The keys of those that have stopped, in the order in which they did. */
  readonly #stopped = new Set<string>()
  readonly #lanesOfPaths = new Lanes()
  readonly #lanesOfNodes = new Lanes()
  #log: LogEntry[] = []
  readonly #listeners = new Set<(update: Update) => void>()
  readonly #forgetting = new Map<string, NodeJS.Timeout>()
  #seq = 0
  #news = noNews()
  #telling: NodeJS.Timeout | null = null
  /** The paths in their order; `null` when there are others than before. Very many take long to sort. */
  #order: readonly string[] | null = null

  get sources(): readonly SourceNow[] {
    return [...this.#sources.values()]
  }

  /** What happened, as far as it is kept. */
  get events(): readonly LogEntry[] {
    return this.#log
  }

  /** All paths that there is something to know of, in their order. */
  get paths(): readonly string[] {
    this.#order ??= [...new Set([...this.#paths.keys(), ...this.#waiting.paths])].sort()
    return this.#order
  }

  get pathCount(): number {
    return this.#paths.size
  }

  /** The keys of all nodes. */
  get nodes(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  /** What there is to know of this path by now, and all that its lane shows. */
  path(path: string): Told {
    const lane = laneOf(path)
    const now = this.#paths.get(path)
    return {
      paths: now === undefined ? [] : [now],
      waiting: this.#waiting.isFor(path) ? [this.#waitingFor(path)] : [],
      nodes: [],
      lanes: this.#lanesOfPaths.of(path).map((change) => ({ lane, ...change })),
    }
  }

  /** The same of the node with that key. */
  nodeAt(key: string): Told {
    const now = this.#nodes.get(key)
    const lanes = this.#lanesOfNodes.of(key).map((change) => ({ lane: key, ...change }))
    return { paths: [], waiting: [], nodes: now === undefined ? [] : [now], lanes }
  }

  holder(path: string): PathHolder | null {
    return this.#paths.get(path)?.holder ?? null
  }

  /** Whether something has changed that the listeners are still to be told. */
  get hasNews(): boolean {
    return this.#telling !== null
  }

  /** `listener` is called with what has changed. Returns the function that ends that. */
  subscribe(listener: (update: Update) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  node(key: string): NodeNow | undefined {
    return this.#nodes.get(key)
  }

  setSource(source: SourceNow): void {
    const before = this.#sources.get(source.id)
    this.#sources.set(source.id, source)
    this.#tell('sources', source.id)
    if (before !== undefined && before.isConnected === source.isConnected) return
    for (const path of this.#paths.values()) {
      if (path.source === source.id) this.#showPath(path, source.sinceMs)
    }
    for (const node of this.#nodes.values()) {
      if (node.source === source.id) this.#showNode(node, source.sinceMs)
    }
    if (source.kind === 'process') this.#forgetLater(source)
  }

  setPath(source: string, path: string, holder: PathHolder | null, atMs: number): void {
    const before = this.#paths.get(path)
    if (before !== undefined && before.source === source && isSameHolder(before.holder, holder))
      return
    const isSameReign = before?.holder?.token === holder?.token && before?.source === source
    const sinceMs = isSameReign && before !== undefined ? before.sinceMs : atMs
    // The same text once, however often it comes.
    const now: PathNow = { path: before?.path ?? path, source, holder, sinceMs }
    this.#outdateOrder(path)
    this.#paths.set(path, now)
    this.#tell('paths', path)
    // Whoever was installed is no candidate any more, whichever is heard of first.
    if (this.#waiting.isFor(path)) this.#tell('waiting', path)
    if (!isSameReign) this.#showPath(now, atMs)
    this.#vacant.delete(path)
    if (holder === null) this.#vacant.add(path)
    const [oldest] = this.#vacant
    if (this.#vacant.size > MOST_VACANT && oldest !== undefined) this.#forgetPath(oldest)
  }

  candidateEntered(source: string, path: string, candidate: CandidateNow): void {
    this.#outdateOrder(path)
    if (this.#waiting.enter(source, path, candidate)) this.#tell('waiting', path)
  }

  candidateLeft(path: string, instance: string): void {
    if (!this.#waiting.leave(path, instance)) return
    this.#outdateOrder(path)
    this.#tell('waiting', path)
  }

  /** Whether anybody waits for that path, as far as is known. */
  isAwaited(path: string): boolean {
    return this.#waitingFor(path).first.length > 0
  }

  setNode(node: NodeNow, atMs: number): void {
    const before = this.#nodes.get(node.key)
    if (before === undefined && this.#nodes.size >= MOST_NODES) return
    this.#keepStopped(node)
    this.#nodes.set(node.key, node)
    this.#tell('nodes', node.key)
    if (before?.state === node.state) return
    // What it was until its validity ended, it can only be said to have been until then.
    const until = before?.validUntilMs ?? null
    if (before !== undefined && isLeader(before) && until !== null && until < atMs) {
      this.#showNodeAs(node.key, { atMs: until, state: 'unknown' })
    }
    this.#showNode(node, atMs)
  }

  /** A process may run for years, and have a node for each of its jobs. */
  #keepStopped({ key, state }: NodeNow): void {
    this.#stopped.delete(key)
    if (!/^(?:stopped|killed)/.test(state)) return
    this.#stopped.add(key)
    const [oldest] = this.#stopped
    if (this.#stopped.size > MOST_STOPPED && oldest !== undefined) this.#forgetNode(oldest)
  }

  /** A process that is connected again tells anew of its nodes: as it was known before, each is forgotten. */
  forgetBefore(keyOf: (source: string) => string): void {
    for (const { id, isConnected } of this.#sources.values()) {
      if (!isConnected) this.#forgetNode(keyOf(id))
    }
  }

  log(entry: Omit<LogEntry, 'seq'>): void {
    this.#seq += 1
    const numbered = { seq: this.#seq, ...entry, path: shortened(entry.path, LONGEST_PATH) }
    this.#log.push(numbered)
    if (this.#log.length > LOG_LENGTH) this.#log = shortenedLog(this.#log)
    this.#news.log.push(numbered)
    // So much may come at once that it cannot be told for a while.
    if (this.#news.log.length > 2 * LOG_LENGTH) this.#news.log.splice(0, LOG_LENGTH)
    this.#soon()
  }

  close(): void {
    if (this.#telling !== null) clearTimeout(this.#telling)
    for (const timer of this.#forgetting.values()) clearTimeout(timer)
    this.#listeners.clear()
  }

  #showPath({ path, source, holder }: PathNow, atMs: number): void {
    const isKnown = this.#sources.get(source)?.isConnected !== false
    const { id = null, token = undefined } = (isKnown ? holder : null) ?? {}
    const state = isKnown ? (holder === null ? 'vacant' : 'held') : 'unknown'
    // Written out: what is spread takes more, and there may be very many.
    const change = token === undefined ? { atMs, state } : { atMs, state, id, token }
    if (this.#lanesOfPaths.show(path, change)) this.#tellLane({ lane: laneOf(path), ...change })
  }

  #showNode(node: NodeNow, atMs: number): void {
    const isKnown = this.#sources.get(node.source)?.isConnected !== false
    const [state = ''] = node.state.split('.')
    this.#showNodeAs(node.key, {
      atMs,
      state: isKnown ? state : 'unknown',
      ...(node.token !== null && { token: node.token }),
    })
  }

  #showNodeAs(key: string, change: Omit<LaneChange, 'lane'>): void {
    if (this.#lanesOfNodes.show(key, change)) this.#tellLane({ lane: key, ...change })
  }

  #tellLane(change: LaneChange): void {
    this.#news.lanes.push(change)
    this.#soon()
  }

  #forgetLater({ id, isConnected }: SourceNow): void {
    clearTimeout(this.#forgetting.get(id))
    this.#forgetting.delete(id)
    if (!isConnected) {
      const timer = setTimeout(() => this.#forget(id), GONE_FOR_MS)
      this.#forgetting.set(id, timer.unref())
    }
    const [oldest] = this.#forgetting.keys()
    if (this.#forgetting.size > MOST_GONE && oldest !== undefined) this.#forget(oldest)
  }

  #forget(source: string): void {
    clearTimeout(this.#forgetting.get(source))
    this.#forgetting.delete(source)
    this.#sources.delete(source)
    this.#news.gone.add(source)
    for (const node of this.#nodes.values()) if (node.source === source) this.#forgetNode(node.key)
    this.#soon()
  }

  #forgetNode(key: string): void {
    if (!this.#nodes.delete(key)) return
    this.#stopped.delete(key)
    this.#lanesOfNodes.forget(key)
    this.#news.gone.add(key)
    this.#soon()
  }

  #forgetPath(path: string): void {
    this.#vacant.delete(path)
    this.#paths.delete(path)
    this.#outdateOrder(path)
    this.#lanesOfPaths.forget(path)
    this.#news.gone.add(laneOf(path))
    this.#soon()
  }

  /** Called before a path is added, and after one has been left out. */
  #outdateOrder(path: string): void {
    if (!this.#paths.has(path) && !this.#waiting.isFor(path)) this.#order = null
  }

  #waitingFor(path: string) {
    return this.#waiting.of(path, this.#paths.get(path)?.holder?.instance ?? null)
  }

  #tell(what: 'sources' | 'paths' | 'waiting' | 'nodes', key: string): void {
    this.#news[what].add(key)
    this.#soon()
  }

  #soon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = null
      const { sources, paths, waiting, nodes, log, lanes, gone } = this.#news
      this.#news = noNews()
      const update: Update = {
        anew: [],
        sources: pick(this.#sources, sources),
        paths: pick(this.#paths, paths),
        waiting: [...waiting].map((path) => this.#waitingFor(path)),
        nodes: pick(this.#nodes, nodes),
        log,
        lanes,
        gone: [...gone],
      }
      for (const listener of [...this.#listeners]) listener(update)
    }, TOLD_EVERY_MS)
  }
}

/** Without the earliest tenth: of renewals, of which there may be thousands a second, as far as there are any. */
function shortenedLog(log: readonly LogEntry[]): LogEntry[] {
  let leaving = LOG_LENGTH / 10
  const kept = log.filter((entry) => {
    if (leaving === 0 || !isRenewal(entry)) return true
    leaving -= 1
    return false
  })
  return kept.slice(leaving)
}

function noNews() {
  return {
    sources: new Set<string>(),
    paths: new Set<string>(),
    waiting: new Set<string>(),
    nodes: new Set<string>(),
    log: [] as LogEntry[],
    lanes: [] as LaneChange[],
    gone: new Set<string>(),
  }
}

function pick<T>(from: ReadonlyMap<string, T>, keys: ReadonlySet<string>): T[] {
  return [...keys].flatMap((key) => from.get(key) ?? [])
}

function isLeader({ state }: NodeNow): boolean {
  return state.startsWith('leader')
}

function isSameHolder(one: PathHolder | null, other: PathHolder | null): boolean {
  if (one === null || other === null) return one === other
  return one.token === other.token && one.id === other.id && equal(one.value, other.value)
}
