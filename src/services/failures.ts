import type { ElectionEvent, Failure } from '../../machines/election.js'
import { errorFrom, isForGood, TooLargeError } from '../errors.js'
import { isAnswer } from './is-answer.js'

/** What machines are told in place of errors, since their events are plain data; and the errors themselves. */
export class Failures {
  readonly #errors = new WeakMap<Failure, Error>()

  /** The failure that a machine is told of, in place of what was thrown. */
  of(thrown: unknown): Failure {
    const error = errorFrom(thrown)
    const failure: Failure = { name: error.name, message: error.message }
    this.#errors.set(failure, error)
    return failure
  }

  /**
   * What a machine is told of a request that failed.
   *
   * @param lease The one under which it may be carried out all the same, if there was no answer.
   */
  event(thrown: unknown, lease: string | null = null): ElectionEvent {
    const error = this.of(thrown)
    if (isForGood(thrown)) return { type: 'refused', error }
    const isUnanswered = lease !== null && !isAnswer(thrown)
    return { type: 'failed', error, ...(isUnanswered && { lease }) }
  }

  /** The same, of a request by which a new value is written. */
  eventOfValue(thrown: unknown, lease: string | null = null): ElectionEvent {
    if (thrown instanceof TooLargeError) return { type: 'valueRefused', error: this.of(thrown) }
    return this.event(thrown, lease)
  }

  /** The error behind a failure that a machine tells of. */
  errorOf(failure: Failure): Error {
    return this.#errors.get(failure) ?? new Error(failure.message)
  }
}
