import type { Json } from '../machines/election.js'
import { DEEPEST_VALUE } from './json.js'

/** In seconds: etcd grants no longer lease (`MaxLeaseTTL`, server/lease/lessor.go). */
export const LONGEST_TTL = 9_000_000_000

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

/**
 * @throws TypeError or RangeError unless etcd can have a key that is `given` and nothing else. A key is
 *   bytes: halves of a surrogate pair that stand alone would all be written as one and the same.
 */
export function assertPath(given: unknown): asserts given is string {
  if (typeof given !== 'string') {
    throw new TypeError(`path: must be a string, was given ${describe(given)}`)
  }
  if (given === '') throw new RangeError('path: must not be empty; expected a key such as /master')
  if (!isUnicode(given)) {
    throw new RangeError(
      `path: must be valid Unicode, was given ${describe(given)}, in which half of a surrogate pair stands alone`,
    )
  }
}

/** Whether no half of a surrogate pair stands alone in it. */
export function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** @throws TypeError when `given` has keys other than `known`. */
export function assertKnownKeys(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw new TypeError(`${what}: unknown option ${unknown}; the options are ${known.join(', ')}`)
  }
}

interface Level {
  readonly given: object
  readonly members: readonly (readonly [string, unknown])[]
  /** How many of them have been looked at. */
  count: number
}

/**
 * @throws TypeError unless `given` is a JSON value, which comes back as what it was.
 * @throws RangeError when it is nested too deep.
 */
export function assertJson(given: unknown): asserts given is Json {
  const within = new Set<unknown>()
  const levels: Level[] = []
  for (let one: unknown = given; ; ) {
    const why = notJson(one, within)
    if (why !== null) {
      const where = levels.map(({ members, count }) => `at ${members[count - 1]?.[0]}: `).join('')
      throw new TypeError(
        `value: must be a JSON value, was given ${describe(given)}: ${where}${why}`,
      )
    }
    if (typeof one === 'object' && one !== null) {
      if (levels.length === DEEPEST_VALUE) {
        throw new RangeError(
          `value: must be nested at most ${DEEPEST_VALUE} levels deep, was given ${describe(given)}, which is nested deeper`,
        )
      }
      within.add(one)
      levels.push({ given: one, members: Object.entries(one), count: 0 })
    }
    let level = levels.at(-1)
    while (level !== undefined && level.count === level.members.length) {
      within.delete(level.given)
      levels.pop()
      level = levels.at(-1)
    }
    if (level === undefined) return
    one = level.members[level.count]?.[1]
    level.count += 1
  }
}

/** Why `given`, which stands within those, is not JSON, apart from what it contains. */
function notJson(given: unknown, within: ReadonlySet<unknown>): string | null {
  if (given === null || typeof given === 'string' || typeof given === 'boolean') return null
  if (typeof given === 'number') return Number.isFinite(given) ? null : `${given} is not JSON`
  if (typeof given !== 'object') return `${describe(given)} is not JSON`
  if (within.has(given)) return 'it contains itself'
  const prototype: unknown = Object.getPrototypeOf(given)
  if (!Array.isArray(given) && prototype !== Object.prototype && prototype !== null) {
    return 'it contains an object that is not a plain one'
  }
  return null
}
