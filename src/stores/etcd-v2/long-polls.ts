import { sleep, systemClock } from '../../clock.js'
import { RefusedError } from '../../errors.js'
import { Watcher, WatcherMember } from '../path-watcher.js'
import type { Entry, Sighting, Watch, WatchListener } from '../store.js'
import type { V2Event } from './answers.js'
import type { Calls } from './calls.js'
import { CLEARED, errorOf, isNo } from './errors.js'

export interface WatchTools {
  sighting(path: string, event: V2Event): Sighting
  /** What stands at a path; linearizable. */
  look(path: string): Promise<Sighting>
}

const FIRST_BACKOFF_MS = 100
/** An etcd that is back may have another history, which has to be known within a second. */
const LONGEST_BACKOFF_MS = 500
/** A wait that has brought nothing for so long is checked by a read. */
const SILENT_MS = 1_500
/** So much longer for each path that is watched, so that many paths do not add up to many reads. */
const SILENT_PER_PATH_MS = 30
/** What is in the history comes at once. */
const HISTORY_MS = 500

/** One path, followed by one wait after the other. */
class Follower {
  readonly watcher: Watcher
  readonly #ending = new AbortController()
  /** What stood there when it was last known; `undefined` as long as it is not. */
  last: Entry | null | undefined

  /** Whether what stands there is still to be told, whatever it is. */
  isAnew: boolean

  constructor(watcher: Watcher, isAnew = false) {
    this.watcher = watcher
    this.isAnew = isAnew
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  tell(sighting: Sighting): void {
    if (sighting.revision < this.watcher.next) return
    this.last = sighting.entry
    this.watcher.report(sighting)
  }

  /** Whether that is what was last known. */
  knows(entry: Entry | null): boolean {
    if (this.last === undefined) return entry !== null && entry.revision < this.watcher.next
    return (
      this.last?.token === entry?.token &&
      this.last?.text === entry?.text &&
      this.last?.lease === entry?.lease
    )
  }

  /** Whether that stood there already when something else was last known to. */
  isRefutedBy(entry: Entry | null): boolean {
    if (this.last === undefined || entry === null || entry.revision >= this.watcher.next)
      return false
    return this.last?.token !== entry.token || this.last.text !== entry.text
  }

  end(): void {
    this.#ending.abort()
  }
}

/** All the watches of a store. */
export class Watches {
  readonly #calls: Calls
  readonly #tools: WatchTools
  readonly #followers = new Map<Watcher, Follower>()

  constructor(calls: Calls, tools: WatchTools) {
    this.#calls = calls
    this.#tools = tools
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const { watcher } =
      this.#at(path).find(({ watcher }) => from >= watcher.next) ?? this.#follow(path, from)
    const member = new WatcherMember(watcher, from, listener, this.#forget)
    watcher.members = watcher.members.concat(member)
    return member
  }

  /** What was found out about a path in another way is told as well, if it is news. */
  learned(path: string, sighting: Sighting): void {
    for (const follower of this.#at(path)) {
      if (!follower.knows(sighting.entry)) follower.tell(sighting)
    }
  }

  #at(path: string): readonly Follower[] {
    return [...this.#followers.values()].filter(({ watcher }) => watcher.path === path)
  }

  /** The history was replaced: tells what stands at each path in the new one, and goes on from there. */
  beginAnew(): void {
    for (const [watcher, follower] of [...this.#followers]) {
      follower.end()
      watcher.next = 0
      for (const member of watcher.members) member.next = 0
      this.#go(new Follower(watcher, true))
    }
  }

  #follow(path: string, from: number): Follower {
    return this.#go(new Follower(new Watcher(path, from)))
  }

  #go(follower: Follower): Follower {
    this.#followers.set(follower.watcher, follower)
    // A listener hears nothing inside the call that makes it one.
    queueMicrotask(() => void this.#keepFollowing(follower))
    return follower
  }

  readonly #forget = (watcher: Watcher): void => {
    this.#followers.get(watcher)?.end()
    this.#followers.delete(watcher)
  }

  async #keepFollowing(follower: Follower): Promise<void> {
    const { watcher, signal } = follower
    let attempt = 0
    while (!signal.aborted) {
      try {
        if (follower.isAnew) await this.#tellAnew(follower)
        // Nobody sees whether a wait has reached etcd at all.
        if (!this.#calls.isHeard) await this.#check(follower)
        if (!(await this.#wait(follower, this.#silentMs))) await this.#check(follower)
        attempt = 0
      } catch (thrown) {
        if (signal.aborted) return
        const error = errorOf(`watching ${watcher.path}`, thrown, false)
        if (error instanceof RefusedError) {
          this.#forget(watcher)
          for (const { listener } of [...watcher.members]) listener.refused(error)
          return
        }
        attempt += 1
        for (const { listener } of [...watcher.members]) listener.troubled(error, attempt)
        const longest = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS)
        await sleep(systemClock, Math.random() * longest, signal)
      }
    }
  }

  get #silentMs(): number {
    return Math.max(SILENT_MS, SILENT_PER_PATH_MS * this.#followers.size)
  }

  /** Tells the next event. Resolves with whether there was one within that time. */
  async #wait(follower: Follower, withinMs: number): Promise<boolean> {
    const { watcher, signal } = follower
    try {
      const event = await this.#calls.wait(watcher.path, watcher.next, { withinMs }, signal)
      if (event === null || signal.aborted) return signal.aborted
      follower.tell(this.#tools.sighting(watcher.path, event))
    } catch (thrown) {
      if (!isNo(thrown, CLEARED)) throw thrown
      await this.#readAgain(follower, thrown.index)
    }
    return true
  }

  /** What was before `index` is no longer in the history, and is told as it is now. */
  async #readAgain(follower: Follower, index: number): Promise<void> {
    const { watcher, signal } = follower
    const sighting = await this.#tools.look(watcher.path)
    if (signal.aborted) return
    if (!follower.knows(sighting.entry)) follower.tell(sighting)
    watcher.next = Math.max(watcher.next, index + 1)
  }

  async #tellAnew(follower: Follower): Promise<void> {
    const { watcher, signal } = follower
    const sighting = await this.#tools.look(watcher.path)
    if (signal.aborted) return
    follower.isAnew = false
    follower.tell(sighting)
  }

  /**
   * Silence may mean that nothing happens, or that the wait is on a connection that has frozen. When
   * a read shows something else than what is known, the history is asked for at each host in turn;
   * if none has anything to tell, what was read is. What has stood there for longer than what is
   * known is of another history, even if that has grown beyond the one before.
   */
  async #check(follower: Follower): Promise<void> {
    const { watcher, signal } = follower
    const { next } = watcher
    const { known } = this.#calls
    const sighting = await this.#tools.look(watcher.path)
    const { entry } = sighting
    if (signal.aborted || watcher.next !== next) return
    if (follower.knows(entry)) {
      follower.last = entry
      return
    }
    if (follower.isRefutedBy(entry)) {
      this.#calls.refute(known)
      return
    }
    for (let host = 0; host <= this.#calls.hostCount; host += 1) {
      if (await this.#wait(follower, HISTORY_MS)) return
    }
    const isNews = follower.last !== undefined || (entry !== null && entry.token >= next)
    if (isNews) follower.tell(sighting)
    else follower.last = entry
  }
}
