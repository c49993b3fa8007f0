import type { Holder } from '../../machines/election.js'
import type { Competitor } from './competitor.js'
import type { PromiseListener } from './promise-listener.js'

/** So long a leader that nothing keeps from it takes to hand over, its work included, in milliseconds. */
const HANDED_OVER_WITHIN_MS = 3_000
/** And so long after that, one that was to transfer only waits as a candidate again. */
const WAITS_WITHIN_MS = 1_000
/** So many changes of what a candidate would write a leader bears while it hands over. */
const MOST_PROPOSALS = 2

/** A leader that was told to stop or to transfer while nothing was wrong and somebody waited. */
export interface Planned {
  readonly leader: Competitor
  readonly how: 'stops' | 'transfers'
  /** Who was named; `null` where nobody was. */
  readonly to: string | null
  /** The token of its reign. */
  readonly token: number
  /** When it was told to. */
  readonly at: number
}

/** Whether it stands beside the path as one that can be installed. */
type Waits = (competitor: Competitor) => boolean

/** One hand-over that is promised: the path is not vacant for a moment, and who transferred goes on as a candidate. */
export class HandOver {
  readonly #planned: Planned
  readonly #listener: PromiseListener
  #handedOverAt: number | null = null
  #proposals = 0
  #isOver = false

  constructor(planned: Planned, listener: PromiseListener) {
    this.#planned = planned
    this.#listener = listener
  }

  /** A value was proposed. Where many are, a leader may find nobody whose entry stays the same. */
  proposed(): void {
    this.#proposals += 1
    if (this.#proposals > MOST_PROPOSALS) this.end()
  }

  /** Nothing is promised any more. */
  end(): void {
    this.#isOver = true
  }

  began({ id, token }: Holder, at: number): void {
    const { token: before, to } = this.#planned
    if (this.#isOver || this.#handedOverAt !== null || token === before) return
    this.#handedOverAt = at
    if (to !== null && id !== to) this.#fail(`hands over to ${id}, and was to do so to ${to}`)
  }

  vacated(): void {
    if (this.#handedOverAt === null) this.#fail('leaves the path vacant, though somebody waits')
  }

  /** The transfer that its user asked for was rejected. */
  rejected(error: Error): void {
    this.#fail(`is not let, though somebody waits: ${error.message}`)
  }

  /** Time has passed. */
  look(now: number, waits: Waits): void {
    if (this.#isOver) return
    const { at, how, leader } = this.#planned
    if (this.#handedOverAt === null) {
      if (now - at > HANDED_OVER_WITHIN_MS) this.#fail('has not handed over')
    } else if (now - this.#handedOverAt > WAITS_WITHIN_MS) {
      if (how === 'transfers' && !waits(leader)) this.#fail('does not go on as a candidate')
      else this.#listener.kept()
      this.end()
    }
  }

  #fail(what: string): void {
    if (this.#isOver) return
    this.end()
    const { leader, how } = this.#planned
    this.#listener.fault(`${leader.name} ${how} and ${what}`)
  }
}
