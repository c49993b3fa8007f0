import type { Json } from '../machines/election.js'

/** What was given, short enough for an error message. */
export function describe(given: unknown): string {
  if (typeof given === 'string') return JSON.stringify(given)
  if (typeof given === 'function') return 'a function'
  if (typeof given === 'bigint') return `the BigInt ${given}`
  if (Array.isArray(given)) return `an array of ${given.length}`
  if (typeof given === 'object' && given !== null) {
    return `an object with the keys ${Object.keys(given).join(', ') || '(none)'}`
  }
  return String(given)
}

/** @throws TypeError when `given` has keys other than `known`. */
export function assertKnownKeys(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw new TypeError(`${what}: unknown option ${unknown}; the options are ${known.join(', ')}`)
  }
}

/** @throws TypeError unless `given` is a JSON value, which comes back as what it was. */
export function assertJson(given: unknown): asserts given is Json {
  const why = notJson(given, new Set())
  if (why !== null) {
    throw new TypeError(`value: must be a JSON value, was given ${describe(given)}: ${why}`)
  }
}

function notJson(given: unknown, within: Set<unknown>): string | null {
  if (given === null || typeof given === 'string' || typeof given === 'boolean') return null
  if (typeof given === 'number') return Number.isFinite(given) ? null : `${given} is not JSON`
  if (typeof given !== 'object') return `${describe(given)} is not JSON`
  if (within.has(given)) return 'it contains itself'
  const prototype: unknown = Object.getPrototypeOf(given)
  if (!Array.isArray(given) && prototype !== Object.prototype && prototype !== null) {
    return 'it contains an object that is not a plain one'
  }
  within.add(given)
  for (const [key, one] of Object.entries(given)) {
    const why = notJson(one, within)
    if (why !== null) return `at ${key}: ${why}`
  }
  within.delete(given)
  return null
}
