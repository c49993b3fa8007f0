import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Stopwatch } from '../../src/sessions/stopwatch.js'

/** A machine that works, is suspended, and whose wall clock is set. */
class Machine {
  elapsedMs = 0
  #monotonicMs = 0
  #wallMs = 1_000_000
  readonly clock = {
    now: () => this.#monotonicMs,
    wallNow: () => Math.floor(this.#wallMs),
    setTimeout: () => 0,
    clearTimeout: () => undefined,
  }

  live({ kind, ms }: Act): void {
    if (kind !== 'set') this.elapsedMs += ms
    if (kind === 'work') this.#monotonicMs += ms
    this.#wallMs += ms
  }
}

interface Act {
  readonly kind: 'work' | 'sleep' | 'set'
  readonly ms: number
}

const working = fc.record({
  kind: fc.constant('work' as const),
  ms: fc.double({ min: 0, max: 3_000, noNaN: true }),
})
const any: fc.Arbitrary<Act> = fc.oneof(
  working,
  fc.record({ kind: fc.constant('sleep' as const), ms: fc.nat(10_000) }),
  fc.record({ kind: fc.constant('set' as const), ms: fc.integer({ min: -10_000, max: 10_000 }) }),
)
/** Each set back by so little may pass for the wall clock being kept right; and it tells whole ms. */
const SLACK_MS = 11

describe('a stopwatch', () => {
  test('never shows less than has passed, whatever is done to the clocks between two looks', () => {
    fc.assert(
      fc.property(fc.array(any), (acts) => {
        const machine = new Machine()
        const stopwatch = new Stopwatch(machine.clock)
        for (const act of acts) {
          machine.live(act)
          expect(stopwatch.elapsedMs).toBeGreaterThan(
            machine.elapsedMs - SLACK_MS * (acts.length + 1),
          )
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('shows what has passed, as long as the wall clock is not set, however often it is read', () => {
    fc.assert(
      fc.property(fc.array(working), (acts) => {
        const machine = new Machine()
        const stopwatch = new Stopwatch(machine.clock)
        for (const act of acts) {
          machine.live(act)
          expect(Math.abs(stopwatch.elapsedMs - machine.elapsedMs)).toBeLessThan(2)
        }
      }),
    )
  })

  test('shows a suspension after the wall clock was set back by as much', () => {
    const machine = new Machine()
    const stopwatch = new Stopwatch(machine.clock)
    machine.live({ kind: 'set', ms: -5_000 })
    expect(stopwatch.elapsedMs).toBe(0)
    machine.live({ kind: 'sleep', ms: 5_000 })
    expect(stopwatch.elapsedMs).toBe(5_000)
  })

  test('cannot tell the time while a clock cannot, and can again afterwards', () => {
    let isBroken = false
    const now = () => (isBroken ? Number.NaN : 7)
    const clock = { now, wallNow: () => 7, setTimeout: () => 0, clearTimeout: () => undefined }
    const stopwatch = new Stopwatch(clock)
    isBroken = true
    expect(stopwatch.elapsedMs).toBeNaN()
    isBroken = false
    expect(stopwatch.elapsedMs).toBe(0)
  })
})
