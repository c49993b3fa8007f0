import type { Candidate, Choice } from '../stores/store.js'

/** Whether a lease has missed a renewal; `null` where there was no answer. */
type Missed = boolean | null

/**
 * Which of several candidates is installed. Whoever entered last stays, in a rolling update: it is
 * next, unless it has missed a renewal and another has not.
 */
export class Choosing {
  /** The latest first. */
  readonly #waiting: readonly Candidate[]
  readonly #terms: Pick<Choice, 'knownUpTo'>
  readonly #missed = new Map<Candidate, Missed>()

  constructor(inOrder: readonly Candidate[], terms: Pick<Choice, 'knownUpTo'> = {}) {
    this.#waiting = inOrder.toReversed()
    this.#terms = terms
  }

  /** By what is known so far; `null` if nobody waits. */
  get choice(): Choice | null {
    const chosen =
      this.#latestThat((missed) => missed === false) ??
      this.#latestThat((missed) => missed !== true) ??
      this.#waiting[0]
    return chosen === undefined ? null : { ...chosen, ...this.#terms }
  }

  /**
   * Asks about the latest, and while it finds none in time about those before it, each time about twice
   * as many at once. Where there is but one there is nothing to ask.
   */
  async ask(isOverdue: (lease: string) => Promise<boolean>): Promise<void> {
    if (this.#waiting.length === 1) return
    for (let [from, count] = [0, 1]; from < this.#waiting.length; from += count, count *= 2) {
      const asked = this.#waiting.slice(from, from + count)
      const answers = asked.map(async (one) => {
        const missed = await isOverdue(one.lease).catch(() => null)
        this.#missed.set(one, missed)
        return missed
      })
      // In order: whoever is in time is not kept waiting by those who came before it.
      for (const answer of answers) if ((await answer) === false) return
    }
  }

  #latestThat(is: (missed: Missed | undefined) => boolean): Candidate | undefined {
    return this.#waiting.find((one) => is(this.#missed.get(one)))
  }
}
