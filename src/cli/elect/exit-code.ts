import { constants } from 'node:os'
import { EXIT, SIGNALLED } from '../exit-codes.js'
import type { Outcome } from './messages.js'
import type { Unwatched } from './runner.js'

/** There is nothing at that name: ENOTDIR, because what should be a folder on the way is none. */
const NOT_FOUND = ['ENOENT', 'ENOTDIR']

/** What a shell would report for a command that ended so. */
export function exitCodeOf(outcome: Outcome | Unwatched): number {
  if (outcome.type === 'failed') {
    return NOT_FOUND.includes(outcome.code) ? EXIT.notFound : EXIT.notExecutable
  }
  if (outcome.type === 'unwatched') return exitCodeOfSignal('SIGKILL')
  if (outcome.signal !== null) return exitCodeOfSignal(outcome.signal)
  return outcome.code ?? EXIT.lost
}

export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return SIGNALLED + constants.signals[signal]
}
