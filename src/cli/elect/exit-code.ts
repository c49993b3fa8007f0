import { constants } from 'node:os'
import { EXIT, SIGNALLED } from '../exit-codes.js'
import type { Outcome } from './messages.js'

/** What a shell would report for a command that ended so. */
export function exitCodeOf(outcome: Outcome): number {
  if (outcome.type === 'failed') {
    return outcome.code === 'ENOENT' ? EXIT.notFound : EXIT.notExecutable
  }
  if (outcome.signal !== null) return exitCodeOfSignal(outcome.signal)
  return outcome.code ?? EXIT.lost
}

export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return SIGNALLED + constants.signals[signal]
}
