/** What a renewal and its confirmation take, in milliseconds, where nothing is in their way. */
const RENEWED_WITHIN_MS = 100

/** A renewal that was told, or an election. */
export interface Renewed {
  readonly at: number
  /** What was left of the session by then, in milliseconds. */
  readonly validityMs: number
}

/**
 * The least that was left of a session when it was renewed, in milliseconds, but for how long processes
 * had to wait for a processor.
 *
 * @param renewed In order.
 */
export function leastValidityMs(
  renewed: readonly Renewed[],
  starvedMs: (from: number, to: number) => number,
): number {
  const least = renewed.slice(1).map(({ at }, index) => {
    const before = renewed[index] ?? { at, validityMs: Number.POSITIVE_INFINITY }
    const waitedMs = starvedMs(before.at - RENEWED_WITHIN_MS, at)
    return before.validityMs - (at - before.at) + waitedMs + RENEWED_WITHIN_MS
  })
  if (least.length === 0) throw new Error('it was not renewed')
  return Math.min(...least)
}
