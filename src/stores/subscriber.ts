import type { Sighting, Watch, WatchListener } from './store.js'

/** Who tells it. */
export interface Publisher {
  unsubscribe(subscriber: Subscriber): void
}

/** Somebody who wants to know what happens at a path from a revision on. */
export class Subscriber implements Watch {
  readonly listener: WatchListener
  readonly #publisher: Publisher
  /** The first revision that it has not been told of. */
  #next: number
  #isClosed = false
  /** Whether what it was told last is that the path is vacant. */
  #knowsVacancy = false

  constructor(from: number, listener: WatchListener, publisher: Publisher) {
    this.#next = from
    this.listener = listener
    this.#publisher = publisher
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether it has been told of that revision, or did not want to be. */
  knows(revision: number): boolean {
    return revision < this.#next
  }

  /** Tells what it has not been told yet, in order. */
  tell(sightings: readonly Sighting[]): void {
    for (const sighting of sightings) {
      // What it is told may make it close, or be told more meanwhile.
      if (this.#isClosed) return
      if (this.knows(sighting.revision)) continue
      this.#next = sighting.revision + 1
      const isVacant = sighting.entry === null
      // Read after a gap, at a later revision, a path may be as vacant as it was.
      const isNews = !isVacant || !this.#knowsVacancy
      this.#knowsVacancy = isVacant
      if (isNews) this.listener.seen(sighting)
    }
  }

  /** What it was told is of a history that is over: whatever revision comes next is told. */
  beginAnew(): void {
    this.#next = 0
    this.#knowsVacancy = false
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#publisher.unsubscribe(this)
  }
}
