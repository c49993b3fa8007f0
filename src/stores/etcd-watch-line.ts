import type { IKeyValue, IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'
import { RefusedError, UnreachableError } from '../errors.js'
import { storeError } from './etcd-errors.js'
import type { Stream } from './etcd-streams.js'
import type { Entry, Sighting, WatchListener } from './store.js'

export type WatchStream = Stream<IWatchRequest, IWatchResponse>

/** After so long without a word the stream is asked for its progress, and replaced if it does not answer. */
const SILENCE_MS = 60_000
const PROGRESS_WITHIN_MS = 5_000

interface WatcherMember {
  readonly from: number
  readonly listener: WatchListener
}

/** One path, watched for all who want to know of it. */
export class Watcher {
  readonly path: string
  readonly members = new Set<WatcherMember>()
  /** The first revision that has not been reported yet. */
  next: number
  /** The revision from which etcd was asked to watch. */
  start: number
  /** The read on its way because its history is gone. */
  reading: Promise<boolean> | null = null

  constructor(path: string, from: number) {
    this.path = path
    this.next = from
    this.start = from
  }

  report(sighting: Sighting): void {
    if (sighting.revision < this.next) return
    this.next = sighting.revision + 1
    for (const member of [...this.members]) {
      // A listener may close another one’s watch.
      if (!this.members.has(member)) continue
      if (sighting.revision >= member.from) member.listener.seen(sighting)
    }
  }
}

interface LineEvents {
  compacted(watcher: Watcher, revision: number): void
  /** These were confirmed when the store had passed the revision they start at. */
  late(watchers: readonly Watcher[]): void
  refused(watcher: Watcher, error: Error): void
  heard(): void
  ended(error: Error): void
}

/** One watch stream. etcd confirms watchers in the order in which they were asked for. */
export class WatchLine {
  readonly #stream: WatchStream
  readonly #keyOf: (path: string) => Buffer
  readonly #events: LineEvents
  readonly #asked: Watcher[] = []
  readonly #byId = new Map<string, Watcher>()
  readonly #ids = new Map<Watcher, string>()
  readonly #cancelled = new Set<Watcher>()
  readonly #late: Watcher[] = []
  #silence: NodeJS.Timeout
  #ended = false

  constructor(stream: WatchStream, keyOf: (path: string) => Buffer, events: LineEvents) {
    this.#stream = stream
    this.#keyOf = keyOf
    this.#events = events
    this.#silence = this.#listen()
    stream.on('data', (response) => {
      clearTimeout(this.#silence)
      this.#silence = this.#listen()
      events.heard()
      this.#take(response)
    })
    stream.on('error', (thrown) => this.#fail(storeError('watching', thrown)))
    stream.on('end', () => this.#fail(new UnreachableError('watching: etcd ended the stream')))
  }

  create(watcher: Watcher): void {
    watcher.start = watcher.next
    this.#asked.push(watcher)
    this.#stream.write({
      create_request: { key: this.#keyOf(watcher.path), start_revision: watcher.next },
    })
  }

  cancel(watcher: Watcher): void {
    const id = this.#ids.get(watcher)
    if (id === undefined) {
      if (this.#asked.includes(watcher)) this.#cancelled.add(watcher)
      return
    }
    this.#ids.delete(watcher)
    this.#byId.delete(id)
    this.#stream.write({ cancel_request: { watch_id: id } })
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#silence)
    this.#stream.cancel()
  }

  #take(response: IWatchResponse): void {
    if (response.created) {
      this.#confirm(response)
      return
    }
    const watcher = this.#byId.get(response.watch_id)
    if (watcher === undefined) return
    for (const { type, kv } of response.events) {
      const revision = Number(kv.mod_revision)
      watcher.report({ entry: String(type) === 'Delete' ? null : entryFrom(kv), revision })
    }
    if (response.canceled) this.#end(watcher, response)
  }

  #confirm(response: IWatchResponse): void {
    const watcher = this.#asked.shift()
    if (watcher === undefined) return
    if (response.canceled) {
      this.#end(watcher, response)
      return
    }
    this.#byId.set(response.watch_id, watcher)
    this.#ids.set(watcher, response.watch_id)
    if (this.#cancelled.delete(watcher)) this.cancel(watcher)
    else if (Number(response.header.revision) >= watcher.start) this.#addLate(watcher)
  }

  #addLate(watcher: Watcher): void {
    this.#late.push(watcher)
    if (this.#late.length > 1) return
    setImmediate(() => this.#events.late(this.#late.splice(0)))
  }

  #end(watcher: Watcher, response: IWatchResponse): void {
    this.#ids.delete(watcher)
    this.#byId.delete(response.watch_id)
    if (this.#cancelled.delete(watcher)) return
    if (Number(response.compact_revision) > 0) {
      this.#events.compacted(watcher, Number(response.compact_revision))
      return
    }
    const error = storeError(`watching ${watcher.path}`, new Error(response.cancel_reason))
    if (error instanceof RefusedError) this.#events.refused(watcher, error)
    else this.#fail(error)
  }

  #fail(error: Error): void {
    if (this.#ended) return
    this.end()
    this.#events.ended(error)
  }

  #listen(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#stream.write({ progress_request: {} })
      this.#silence = setTimeout(
        () => this.#fail(new UnreachableError('watching: etcd has gone silent')),
        PROGRESS_WITHIN_MS,
      )
    }, SILENCE_MS)
  }
}

export function entryFrom({ value, create_revision, mod_revision, lease }: IKeyValue): Entry {
  return {
    text: value.toString(),
    token: Number(create_revision),
    revision: Number(mod_revision),
    lease: lease === '0' ? null : lease,
  }
}
