import { backoff } from '../../../machines/backoff.js'
import { sleep, systemClock } from '../../clock.js'
import { RefusedError } from '../../errors.js'
import { Watcher } from '../path-watcher.js'
import type { Sighting, Watch, WatchListener } from '../store.js'
import { eventOf, type V2Event } from './answers.js'
import type { Calls } from './calls.js'
import { CLEARED, errorOf, isNo } from './errors.js'
import { LongPoll } from './long-poll.js'

export interface WatchTools {
  sighting(path: string, event: V2Event): Sighting
  /** What stands at a path; linearizable. */
  look(path: string): Promise<Sighting>
}

/** An etcd that is back may have another history, which has to be known within a second. */
const BACKOFF = { firstMs: 100, longestMs: 500 }
/** A wait that has brought nothing for so long is checked by a read. */
const SILENT_MS = 1_500
/** So much longer for each path that is watched, so that many paths do not add up to many reads. */
const SILENT_PER_PATH_MS = 30
/** What is in the history comes at once. */
const HISTORY_MS = 500

/** All the watches of a store. */
export class Watches {
  readonly #calls: Calls
  readonly #tools: WatchTools
  readonly #polls = new Map<Watcher, LongPoll>()

  constructor(calls: Calls, tools: WatchTools) {
    this.#calls = calls
    this.#tools = tools
  }

  watch(path: string, from: number, listener: WatchListener): Watch {
    const { watcher } =
      this.#at(path).find(({ watcher }) => from >= watcher.next) ?? this.#follow(path, from)
    return watcher.subscribe(from, listener)
  }

  /** What was found out about a path in another way is told as well, if it is news. */
  learned(path: string, sighting: Sighting): void {
    for (const poll of this.#at(path)) {
      if (!poll.knows(sighting.entry)) poll.tell(sighting)
    }
  }

  #at(path: string): readonly LongPoll[] {
    return [...this.#polls.values()].filter(({ watcher }) => watcher.path === path)
  }

  /** The history was replaced: tells what stands at each path in the new one, and goes on from there. */
  beginAnew(): void {
    for (const [watcher, poll] of [...this.#polls]) {
      poll.end()
      watcher.beginAnew()
      this.#go(new LongPoll(watcher, true))
    }
  }

  #follow(path: string, from: number): LongPoll {
    return this.#go(new LongPoll(new Watcher(path, from, this.#forget)))
  }

  #go(poll: LongPoll): LongPoll {
    this.#polls.set(poll.watcher, poll)
    // A listener hears nothing inside the call that makes it one.
    queueMicrotask(() => void this.#keepFollowing(poll))
    return poll
  }

  readonly #forget = (watcher: Watcher): void => {
    this.#polls.get(watcher)?.end()
    this.#polls.delete(watcher)
  }

  async #keepFollowing(poll: LongPoll): Promise<void> {
    const { watcher, signal } = poll
    let attempt = 0
    while (!signal.aborted) {
      try {
        if (poll.isAnew) await this.#tellAnew(poll)
        // Nobody sees whether a wait has reached etcd at all.
        if (!this.#calls.isHeard) await this.#check(poll)
        if (!(await this.#wait(poll, this.#silentMs))) await this.#check(poll)
        attempt = 0
      } catch (thrown) {
        if (signal.aborted) return
        const error = errorOf(`watching ${watcher.path}`, thrown, false)
        if (error instanceof RefusedError) {
          this.#forget(watcher)
          watcher.failed(error, attempt)
          return
        }
        attempt += 1
        watcher.failed(error, attempt)
        await sleep(systemClock, backoff(attempt, BACKOFF), signal)
      }
    }
  }

  get #silentMs(): number {
    return Math.max(SILENT_MS, SILENT_PER_PATH_MS * this.#polls.size)
  }

  /** Tells the next event. Resolves with whether there was one within that time. */
  async #wait(poll: LongPoll, timeoutMs: number): Promise<boolean> {
    const { watcher, signal } = poll
    try {
      const wait = { path: watcher.path, from: watcher.next, recursive: false }
      const event = await this.#calls.wait(wait, { timeoutMs }, signal, eventOf)
      if (event === null || signal.aborted) return signal.aborted
      poll.tell(this.#tools.sighting(watcher.path, event))
    } catch (thrown) {
      if (!isNo(thrown, CLEARED)) throw thrown
      await this.#readAgain(poll, thrown.index)
    }
    return true
  }

  /** What was before `index` is no longer in the history, and is told as it is now. */
  async #readAgain(poll: LongPoll, index: number): Promise<void> {
    const { watcher, signal } = poll
    const sighting = await this.#tools.look(watcher.path)
    if (signal.aborted) return
    if (!poll.knows(sighting.entry)) poll.tell(sighting)
    watcher.skipTo(index + 1)
  }

  async #tellAnew(poll: LongPoll): Promise<void> {
    const { watcher, signal } = poll
    const sighting = await this.#tools.look(watcher.path)
    if (signal.aborted) return
    poll.isAnew = false
    poll.tell(sighting)
  }

  /**
   * Silence may mean that nothing happens, or that the wait is on a connection that has frozen. When
   * a read shows something else than what is known, the history is asked for at each host in turn;
   * if none has anything to tell, what was read is. What has stood there for longer than what is
   * known is of another history, even if that has grown beyond the one before.
   */
  async #check(poll: LongPoll): Promise<void> {
    const { watcher, signal } = poll
    const { next } = watcher
    const { known } = this.#calls
    const sighting = await this.#tools.look(watcher.path)
    const { entry } = sighting
    if (signal.aborted || watcher.next !== next) return
    if (poll.knows(entry)) {
      poll.last = entry
      return
    }
    if (poll.isRefutedBy(entry)) {
      this.#calls.refute(known)
      return
    }
    for (let host = 0; host <= this.#calls.hostCount; host += 1) {
      if (await this.#wait(poll, HISTORY_MS)) return
    }
    const isNews = poll.last !== undefined || (entry !== null && entry.token >= next)
    if (isNews) poll.tell(sighting)
    else poll.last = entry
  }
}
