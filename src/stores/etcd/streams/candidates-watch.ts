import { candidatesAt, instanceAt, transferAskedAt, transferRequestOf } from '../../candidates.js'
import type { Watched } from '../../path-watcher.js'
import type { CandidatesListener, Sighting, Watch } from '../../store.js'

/** Who tells it. */
interface Publisher {
  unfollow(watched: CandidatesWatch): void
}

/**
 * What comes to stand beside a path, watched for its leader. It is a hint and no more, since a hand-over
 * compares what it installs: a gap is told, and not filled.
 */
export class CandidatesWatch implements Watched, Watch {
  readonly isPrefix = true
  start: number
  isDenied = false
  /** The path that they stand beside. */
  readonly beside: string
  readonly #listener: CandidatesListener
  readonly #publisher: Publisher
  #next: number

  constructor(beside: string, from: number, listener: CandidatesListener, publisher: Publisher) {
    this.start = from
    this.beside = beside
    this.#listener = listener
    this.#publisher = publisher
    this.#next = from
  }

  get path(): string {
    return candidatesAt(this.beside)
  }

  get next(): number {
    return this.#next
  }

  take(at: string, { entry, revision }: Sighting): void {
    if (revision < this.#next) return
    // Not the next one: there may be more of the same revision on its way.
    this.#next = revision
    if (at === transferAskedAt(this.beside)) {
      if (entry !== null) this.#listener.asked?.(transferRequestOf(entry.text, revision))
      return
    }
    const instance = instanceAt(this.beside, at)
    if (instance === null) return
    if (entry === null || entry.lease === null) this.#listener.left(instance)
    else {
      const { text, token: since, lease } = entry
      this.#listener.entered({ instance, text, since, revision, lease })
    }
  }

  lose(): void {
    this.#listener.lost()
  }

  close(): void {
    this.#publisher.unfollow(this)
  }
}
