import type { IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'
import { RefusedError, UnreachableError } from '../../../errors.js'
import type { Watched } from '../../path-watcher.js'
import { entryFrom } from '../entry.js'
import { storeError, TokenError } from '../errors.js'
import type { Header } from '../history.js'
import { type Keys, rangeOf } from '../keys.js'
import type { Stream } from './open-stream.js'

export type RawStream = Stream<IWatchRequest, IWatchResponse>

/** After so long without a word, in milliseconds, the stream is asked for its progress. */
const SILENCE_MS = 60_000
/** The same where gRPC does not find out by pings that the connection has been forgotten. */
const UNPINGED_SILENCE_MS = 20_000
const PROGRESS_WITHIN_MS = 5_000

/**
 * So long, in milliseconds, the server goes on watching for nobody. A leader that stops watches no more,
 * and its successor waits for what it writes: that goes first.
 */
const CANCEL_AFTER_MS = 50

/** What becomes of what a stream was asked to watch. */
export interface WatchEvents {
  /** etcd has forgotten what was before `revision`, and watches this one no more. */
  compacted(watched: Watched, revision: number, stream: WatchStream): void
  /** This one was confirmed before the store had come to the revision it starts at. */
  early?(watched: Watched): void
  /** These were confirmed when the store had passed the revision they start at. */
  late(watched: readonly Watched[], stream: WatchStream): void
  denied(watched: Watched, error: RefusedError | TokenError, stream: WatchStream): void
}

/** What becomes of the stream itself. */
interface StreamEvents {
  /** Something was confirmed before the store had come to what was known when it was asked for. */
  behind(): void
  /** With each message: what it says of the member, and of how far its history has come. */
  heard(header: Header): void
  /** Nothing is heard any more, not even its progress, for which it was asked. */
  silent(): void
  ended(error: Error): void
}

/** One watch stream. etcd confirms watchers in the order in which they were asked for. */
export class WatchStream {
  readonly #stream: RawStream
  readonly #keys: Keys
  readonly #watching: WatchEvents
  readonly #events: StreamEvents
  readonly #silenceMs: number
  readonly #asked: Watched[] = []
  readonly #byId = new Map<string, Watched>()
  readonly #ids = new Map<Watched, string>()
  readonly #cancelled = new Set<Watched>()
  readonly #late: Watched[] = []
  /** The watches that the server does not know yet to be cancelled. */
  readonly #dropped: string[] = []
  #dropping: NodeJS.Timeout | null = null
  #silence: NodeJS.Timeout
  #ended = false

  constructor(
    stream: RawStream,
    keys: Keys,
    isPinged: boolean,
    watching: WatchEvents,
    events: StreamEvents,
  ) {
    this.#stream = stream
    this.#keys = keys
    this.#watching = watching
    this.#events = events
    this.#silenceMs = isPinged ? SILENCE_MS : UNPINGED_SILENCE_MS
    this.#silence = this.#listen()
    stream.on('data', (response) => {
      clearTimeout(this.#silence)
      this.#silence = this.#listen()
      events.heard(response.header)
      this.#take(response)
    })
    stream.on('error', (thrown) => this.#fail(storeError('watching', thrown)))
    stream.on('end', () => this.#fail(new UnreachableError('watching: etcd ended the stream')))
  }

  create(watched: Watched): void {
    watched.start = watched.next
    this.#asked.push(watched)
    const key = this.#keys.of(watched.path)
    this.#stream.write({
      create_request: {
        key,
        start_revision: watched.next,
        // What many paths have to tell may be more than gRPC takes in one message.
        ...(watched.isPrefix && { ...rangeOf(key), fragment: true }),
      },
    })
  }

  cancel(watched: Watched): void {
    const id = this.#ids.get(watched)
    if (id === undefined) {
      if (this.#asked.includes(watched)) this.#cancelled.add(watched)
      return
    }
    this.#ids.delete(watched)
    this.#byId.delete(id)
    this.#dropped.push(id)
    this.#dropping ??= setTimeout(() => this.#drop(), CANCEL_AFTER_MS)
  }

  end(): void {
    this.#ended = true
    if (this.#dropping !== null) clearTimeout(this.#dropping)
    clearTimeout(this.#silence)
    this.#stream.cancel()
  }

  #drop(): void {
    this.#dropping = null
    for (const id of this.#dropped.splice(0)) {
      this.#stream.write({ cancel_request: { watch_id: id } })
    }
  }

  #take(response: IWatchResponse): void {
    if (response.created) {
      this.#confirm(response)
      return
    }
    const watched = this.#byId.get(response.watch_id)
    if (watched === undefined) return
    for (const { type, kv } of response.events) {
      const revision = Number(kv.mod_revision)
      const path = watched.isPrefix ? this.#keys.pathAt(kv.key) : watched.path
      if (path === null) continue
      watched.take(path, { entry: String(type) === 'Delete' ? null : entryFrom(kv), revision })
    }
    if (response.canceled) this.#end(watched, response)
  }

  #confirm(response: IWatchResponse): void {
    const watched = this.#asked.shift()
    if (watched === undefined) return
    if (response.canceled) {
      this.#end(watched, response)
      return
    }
    watched.isDenied = false
    this.#byId.set(response.watch_id, watched)
    this.#ids.set(watched, response.watch_id)
    const revision = Number(response.header.revision)
    if (revision < watched.start - 1) this.#events.behind()
    if (this.#cancelled.delete(watched)) this.cancel(watched)
    else if (revision >= watched.start) this.#addLate(watched)
    else this.#watching.early?.(watched)
  }

  #addLate(watched: Watched): void {
    this.#late.push(watched)
    if (this.#late.length > 1) return
    setImmediate(() => this.#watching.late(this.#late.splice(0), this))
  }

  #end(watched: Watched, response: IWatchResponse): void {
    this.#ids.delete(watched)
    this.#byId.delete(response.watch_id)
    if (this.#cancelled.delete(watched)) return
    if (Number(response.compact_revision) > 0) {
      this.#watching.compacted(watched, Number(response.compact_revision), this)
      return
    }
    const error = storeError(`watching ${watched.path}`, new Error(response.cancel_reason))
    if (error instanceof RefusedError || error instanceof TokenError) {
      this.#watching.denied(watched, error, this)
    } else this.#fail(error)
  }

  #fail(error: Error): void {
    if (this.#ended) return
    this.end()
    this.#events.ended(error)
  }

  #listen(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#stream.write({ progress_request: {} })
      this.#silence = setTimeout(() => this.#events.silent(), PROGRESS_WITHIN_MS)
    }, this.#silenceMs)
  }
}
