/** How the waits between attempts grow, in milliseconds. */
export interface Backoff {
  /** The longest wait after the first failure. */
  readonly firstMs: number
  /** The longest wait after however many. */
  readonly longestMs: number
}

/** Beyond that many doublings no wait grows any more, and numbers would end at infinity. */
const MOST_DOUBLINGS = 52

/**
 * How long to wait, in milliseconds, after `failed` attempts in a row (1 after the first). Exponential
 * with full jitter: anything from nothing to a longest wait that doubles with each failure, so that many
 * who failed together do not come back together.
 */
export function backoff(failed: number, { firstMs, longestMs }: Backoff): number {
  const doublings = Math.min(failed - 1, MOST_DOUBLINGS)
  return Math.random() * Math.min(firstMs * 2 ** doublings, longestMs)
}
