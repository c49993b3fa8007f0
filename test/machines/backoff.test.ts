import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { backoff } from '../../machines/backoff.js'

const waits = fc.record({
  firstMs: fc.integer({ min: 0, max: 10_000 }),
  longestMs: fc.integer({ min: 0, max: 100_000 }),
})
const failures = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const shares = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

function withShare(share: number, failed: number, how: Parameters<typeof backoff>[1]): number {
  vi.spyOn(Math, 'random').mockReturnValue(share)
  return backoff(failed, how)
}

describe('the wait after a failure', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('is a share of the first after one, and of twice as much after each further one', () => {
    const how = { firstMs: 100, longestMs: 1_000 }
    const halves = [1, 2, 3, 4, 5, 6].map((failed) => withShare(0.5, failed, how))
    expect(halves).toEqual([50, 100, 200, 400, 500, 500])
  })

  test('is never longer than the longest, nor less than nothing, however many have failed', () => {
    fc.assert(
      fc.property(failures, waits, shares, (failed, how, share) => {
        const waitMs = withShare(share, failed, how)
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(how.longestMs)
      }),
    )
  })

  test('spreads evenly over all that is allowed', () => {
    fc.assert(
      fc.property(failures, waits, shares, (failed, how, share) => {
        const longestMs = 2 * withShare(0.5, failed, how)
        expect(withShare(share, failed, how)).toBeCloseTo(share * longestMs)
        expect(withShare(0.5, failed + 1, how)).toBeGreaterThanOrEqual(longestMs / 2)
      }),
    )
  })
})
