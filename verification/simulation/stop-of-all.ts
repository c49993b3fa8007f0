import type { PromiseListener } from './promise-listener.js'

/** So long all take to leave if nothing keeps them from it, their work included, in milliseconds. */
const LEFT_WITHIN_MS = 4_000

/** What is known of the nodes that all stop at once, while nothing is wrong. */
export interface Halt {
  /** When they were told to. */
  readonly at: number
  /** How many of them were candidates. */
  readonly waiting: number
  /** Whether some were started again at once. */
  readonly goesOn: boolean
}

/**
 * The stop of all nodes at once. A leader cannot know that whoever waits is about to leave, so each
 * candidate may be installed once, until its own leave arrives; none of them leads. Of those that start
 * again, one does, and goes on.
 */
export class StopOfAll {
  readonly #halt: Halt
  readonly #listener: PromiseListener
  #reigns = 0
  #elections = 0
  #isOver = false

  constructor(halt: Halt, listener: PromiseListener) {
    this.#halt = halt
    this.#listener = listener
  }

  /** Nothing is promised any more. */
  end(): void {
    this.#isOver = true
  }

  began(): void {
    this.#reigns += 1
    const most = this.#halt.waiting + this.#last
    if (this.#reigns > most) this.#fail(`${this.#reigns} reigns where there may be ${most}`)
  }

  elected(name: string): void {
    this.#elections += 1
    if (this.#elections > this.#last) this.#fail(`${name} elected to no purpose`)
  }

  /** Time has passed, and so much stands at the path and beside it. */
  look(now: number, standing: number): void {
    if (this.#isOver || now - this.#halt.at < LEFT_WITHIN_MS) return
    if (!this.#halt.goesOn && standing > 0) this.#fail(`${standing} keys left`)
    else this.#listener.kept()
    this.end()
  }

  /** The reign of one that started again. */
  get #last(): number {
    return this.#halt.goesOn ? 1 : 0
  }

  #fail(what: string): void {
    if (this.#isOver) return
    this.end()
    this.#listener.fault(`all stop, and there is ${what}`)
  }
}
