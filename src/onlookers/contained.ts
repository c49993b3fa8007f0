import { textOf } from '../errors.js'
import { shown } from '../shown.js'

/** What belongs to somebody who only looks on at an election, or lends it a clock. */
export type Onlooker = 'inspect' | 'meter' | 'debug' | 'clock' | 'timer'

const reported = new Set<Onlooker>()

/**
 * Calls what belongs to an onlooker: whatever it does there must cost the election nothing. What it
 * throws, or the promise it returns rejects with, becomes a process warning with the code
 * `LOCKED_OBSERVER`, once for each kind of onlooker in a process.
 *
 * @returns what the call did, or `undefined` where it threw.
 */
export function contained<Result>(whose: Onlooker, call: () => Result): Result | undefined {
  try {
    const result = call()
    if (isThenable(result)) result.then(undefined, (thrown) => report(whose, thrown))
    return result
  } catch (thrown) {
    report(whose, thrown)
    return undefined
  }
}

function report(whose: Onlooker, thrown: unknown): void {
  if (reported.has(whose)) return
  reported.add(whose)
  process.emitWarning(
    `${whose}: what it throws is passed over, and the election goes on without it; this is told once. It threw: ${shown(textOf(thrown))}`,
    { type: 'LockedWarning', code: 'LOCKED_OBSERVER' },
  )
}

interface Thenable {
  then(resolved: undefined, rejected: (thrown: unknown) => void): unknown
}

function isThenable(given: unknown): given is Thenable {
  return (
    typeof given === 'object' && given !== null && typeof Reflect.get(given, 'then') === 'function'
  )
}
