import { pathBeside } from '../../candidates.js'
import type { Watched, Watcher } from '../../path-watcher.js'
import type { Sighting } from '../../store.js'
import type { CandidatesWatch } from './candidates-watch.js'

/** How long what happened at a path is remembered for a watcher that is about to join. */
const REMEMBERED_MS = 1_000
/** So much foreign traffic within that time is no reason to give up a group. */
const FOREIGN_TOLERATED = 50

/** What happened at a path, or beside it. */
interface Happened {
  /** Where. */
  readonly at: string
  readonly sighting: Sighting
}

interface Remembered {
  readonly happened: Happened[]
  /** Whether somebody watched the path when it happened. */
  own: boolean
}

/**
 * Paths that begin alike, watched with one request: for thousands of paths that is far cheaper, for
 * etcd and for us, than a watch for each.
 *
 * A watcher that joins may need what has just gone by: a claim's answer can come after the events
 * that follow it. So what happened within the last second or two is remembered. By then it is also
 * known whose it was: when more of it was foreign than its own, the prefix is too wide.
 *
 * What stands beside its paths begins like them, so that leaders are told of their candidates as well.
 */
export class PrefixGroup implements Watched {
  readonly path: string
  readonly isPrefix = true
  start: number
  isDenied = false
  #next: number
  /** Whom it serves, by path. */
  readonly #watchers = new Map<string, readonly Watcher[]>()
  /** Who is told of the candidates of a path. */
  readonly #followers = new Map<string, readonly CandidatesWatch[]>()
  readonly #tooWide: () => void
  /** Everything from here on has been remembered, and nothing from before. */
  #remembersFrom: number
  #recent = new Map<string, Remembered>()
  #earlier = new Map<string, Remembered>()
  /** The paths that nobody watches any more: what happens there just now comes of that. */
  #left = new Set<string>()
  #leftEarlier = new Set<string>()
  #forgetting: NodeJS.Timeout | null = null

  /** `tooWide` is called when it has found out that it is. */
  constructor(prefix: string, from: number, tooWide: () => void) {
    this.path = prefix
    this.start = from
    this.#next = from
    this.#remembersFrom = from
    this.#tooWide = tooWide
  }

  get next(): number {
    return this.#next
  }

  get watchers(): readonly Watcher[] {
    return [...this.#watchers.values()].flat()
  }

  /** Whether it serves anybody: of thousands that leave, each asks. */
  get isWanted(): boolean {
    return this.#watchers.size > 0 || this.#followers.size > 0
  }

  /** Whether a watcher that starts at `from` would miss nothing. */
  canServe(from: number): boolean {
    return from >= this.#remembersFrom
  }

  join(watcher: Watcher): void {
    const { path } = watcher
    this.#watchers.set(path, this.#servedAt(path).concat(watcher))
    const missed = this.#rememberedOf(pathBeside(path)).flatMap(({ at, sighting }) =>
      at === path ? [sighting] : [],
    )
    if (missed.every(({ revision }) => revision < watcher.next)) return
    // Never inside the call that opens a watch; and before anything that etcd sends from now on.
    queueMicrotask(() => {
      for (const sighting of missed) watcher.report(sighting)
    })
  }

  leave(watcher: Watcher): void {
    const { path } = watcher
    const others = this.#servedAt(path).filter((one) => one !== watcher)
    if (others.length > 0) {
      this.#watchers.set(path, others)
      return
    }
    this.#watchers.delete(path)
    this.#left.add(path)
    this.#forgetLater()
  }

  follow(follower: CandidatesWatch): void {
    const { beside } = follower
    this.#followers.set(beside, this.#followersBeside(beside).concat(follower))
    const missed = this.#rememberedOf(beside).filter(({ at }) => at !== beside)
    if (missed.every(({ sighting }) => sighting.revision < follower.next)) return
    queueMicrotask(() => {
      for (const { at, sighting } of missed) follower.take(at, sighting)
    })
  }

  /** Returns whether it was told from here. */
  unfollow(follower: CandidatesWatch): boolean {
    const { beside } = follower
    const followers = this.#followersBeside(beside)
    const others = followers.filter((one) => one !== follower)
    if (others.length > 0) this.#followers.set(beside, others)
    else this.#followers.delete(beside)
    return others.length < followers.length
  }

  /** What its followers were told may no longer be so. */
  loseFollowers(): void {
    const followers = [...this.#followers.values()].flat()
    this.#followers.clear()
    for (const follower of followers) follower.lose()
  }

  take(at: string, sighting: Sighting): void {
    if (sighting.revision < this.#next) return
    // Not the next one: there may be more of the same revision on its way.
    this.#next = sighting.revision
    const path = pathBeside(at)
    // What looks like an entry beside a path may be a path of its own.
    const watchers = this.#servedAt(at)
    const remembered = this.#recent.get(path) ?? { happened: [], own: false }
    this.#recent.set(path, remembered)
    remembered.happened.push({ at, sighting })
    remembered.own ||= watchers.length > 0 || this.#servedAt(path).length > 0
    this.#forgetLater()
    for (const watcher of watchers) watcher.report(sighting)
    if (at !== path) for (const follower of this.#followersBeside(path)) follower.take(at, sighting)
  }

  /** What was before `revision` is no longer in etcd's history: the group goes on from there. */
  skipTo(revision: number): void {
    this.loseFollowers()
    this.#next = revision
    this.#remembersFrom = revision
    this.#recent.clear()
    this.#earlier.clear()
  }

  close(): void {
    if (this.#forgetting !== null) clearTimeout(this.#forgetting)
    this.#forgetting = null
  }

  #forgetLater(): void {
    this.#forgetting ??= setTimeout(() => this.#forget(), REMEMBERED_MS)
  }

  #forget(): void {
    this.#forgetting = null
    const isTooWide = this.#isTooWide()
    for (const { happened } of this.#earlier.values()) {
      const last = happened.at(-1)?.sighting.revision ?? 0
      this.#remembersFrom = Math.max(this.#remembersFrom, last + 1)
    }
    this.#earlier = this.#recent
    this.#recent = new Map()
    this.#leftEarlier = this.#left
    this.#left = new Set()
    if (this.#earlier.size > 0 || this.#leftEarlier.size > 0) this.#forgetLater()
    if (isTooWide) this.#tooWide()
  }

  #rememberedOf(path: string): readonly Happened[] {
    return [this.#earlier, this.#recent].flatMap((all) => all.get(path)?.happened ?? [])
  }

  #servedAt(path: string): readonly Watcher[] {
    return this.#watchers.get(path) ?? []
  }

  #followersBeside(path: string): readonly CandidatesWatch[] {
    return this.#followers.get(path) ?? []
  }

  /** Whether it serves that path, or has just now: a node that leaves hands over, and others act on that. */
  #isServed(path: string): boolean {
    return this.#servedAt(path).length > 0 || this.#left.has(path) || this.#leftEarlier.has(path)
  }

  #isTooWide(): boolean {
    let own = 0
    let foreign = 0
    for (const [path, remembered] of this.#recent) {
      const { length } = remembered.happened
      if (remembered.own || this.#isServed(path)) own += length
      else foreign += length
    }
    return foreign > own + FOREIGN_TOLERATED
  }
}
