import { LeaseGoneError, RefusedError } from '../errors.js'

/**
 * Whether a request that failed with that had an answer, by which it was not carried out. A store of
 * somebody’s own may throw what is none of the errors it should, and that says as little as silence.
 */
export function isAnswer(thrown: unknown): boolean {
  return thrown instanceof RefusedError || thrown instanceof LeaseGoneError
}
