import type { Failure } from '../../machines/election.js'
import { errorFrom } from '../errors.js'

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

  /** The error behind a failure that a machine tells of. */
  errorOf(failure: Failure): Error {
    return this.#errors.get(failure) ?? new Error(failure.message)
  }
}
