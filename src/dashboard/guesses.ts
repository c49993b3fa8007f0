import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'

/** What whoever gave a wrong token has to wait before the next one is looked at; doubled each time. */
const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** So long after its latest wrong guess, an address is like any other again. */
const FORGOTTEN_AFTER_MS = 600_000
/** When there are more, the others share one place: together they guess no faster than one of them. */
const MOST_ADDRESSES = 1_000
const OTHERS = 'others'
/** Of each address. A process that is set up with an old token gives it again and again, and guesses nothing. */
const MOST_REMEMBERED = 4

interface Guesser {
  readonly count: number
  readonly latestMs: number
  readonly untilMs: number
  /** The digests of its latest wrong guesses, which need not be looked at again. */
  readonly wrong: readonly string[]
}

/** Slows those down who guess at the token, each address by itself, within a bounded memory. */
export class Guesses {
  /** By address, in the order of their latest wrong guess. */
  readonly #guessers = new Map<string, Guesser>()
  readonly #now: () => number

  /** `now` tells the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * Whether a token is right; or in how many milliseconds it can be asked for again, if that address
   * has to wait. `isRight` must not be told meanwhile, or guesses made all at once would not be slowed.
   */
  judge(address: string, given: string, isRight: boolean): boolean | number {
    const nowMs = this.#now()
    const key = this.#keyOf(networkOf(address), nowMs)
    const before = this.#guessers.get(key)
    const digest = createHash('sha256').update(given).digest('base64')
    if (!isRight && before?.wrong.includes(digest)) return false
    if (before !== undefined && nowMs < before.untilMs) return before.untilMs - nowMs
    if (isRight) return true
    const count = (before?.count ?? 0) + 1
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (count - 1), LONGEST_DELAY_MS)
    const wrong = [digest, ...(before?.wrong ?? [])].slice(0, MOST_REMEMBERED)
    this.#guessers.delete(key)
    this.#guessers.set(key, { count, latestMs: nowMs, untilMs: nowMs + delayMs, wrong })
    return false
  }

  #keyOf(network: string, nowMs: number): string {
    for (const [key, { latestMs }] of this.#guessers) {
      if (nowMs - latestMs < FORGOTTEN_AFTER_MS) break
      this.#guessers.delete(key)
    }
    const hasPlace = this.#guessers.has(network) || this.#guessers.size < MOST_ADDRESSES
    return hasPlace ? network : OTHERS
  }
}

/** Whoever has one address of IPv6 has 2^64 of them. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('::')
  const [first, last] = [head, tail].map((part) => part.split(':').filter(Boolean))
  const missing = 8 - (first?.length ?? 0) - (last?.length ?? 0)
  const groups = address.includes('::')
    ? [...(first ?? []), ...Array<string>(missing).fill('0'), ...(last ?? [])]
    : (first ?? [])
  return groups.slice(0, 4).join(':')
}
