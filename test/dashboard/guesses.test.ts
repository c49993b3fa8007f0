import { describe, expect, test } from 'vitest'
import { Guesses } from '../../src/dashboard/guesses.js'

function guesses() {
  const time = { nowMs: 1_000 }
  return { time, guesses: new Guesses(() => time.nowMs) }
}

let guessed = 0

/** One that nobody has made before. */
const another = () => `guess ${++guessed}`

describe('a wrong token', () => {
  test('makes its address wait, ever longer, but never for ever', () => {
    const { time, guesses: all } = guesses()
    const delays: unknown[] = []
    for (let count = 0; count < 9; count += 1) {
      expect(all.judge('10.0.0.1', another(), false)).toBe(false)
      const delayMs = all.judge('10.0.0.1', 'the right one', true)
      delays.push(delayMs)
      time.nowMs += Number(delayMs) - 1
      expect(all.judge('10.0.0.1', 'the right one', true)).toBe(1)
      time.nowMs += 1
      expect(all.judge('10.0.0.1', 'the right one', true)).toBe(true)
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(all.judge('10.0.0.1', another(), false)).toBe(false)
    time.nowMs += 600_000
    expect(all.judge('10.0.0.1', another(), false)).toBe(false)
    expect(all.judge('10.0.0.1', another(), false)).toBe(500)
  })

  test('that is given again and again is one guess: it is an old one of a process', () => {
    const { time, guesses: all } = guesses()
    for (let count = 0; count < 100; count += 1) {
      expect(all.judge('127.0.0.1', 'an old one', false)).toBe(false)
    }
    time.nowMs += 500
    expect(all.judge('127.0.0.1', 'the right one', true)).toBe(true)
  })

  test('makes no other address wait', () => {
    const { guesses: all } = guesses()
    all.judge('10.0.0.1', another(), false)
    expect(all.judge('10.0.0.2', 'the right one', true)).toBe(true)
  })

  test.each([
    ['2001:db8::1', '2001:db8::ffff:1', true],
    ['2001:db8:0:0:1::', '2001:db8::2', true],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['::1', '::2:1', true],
  ])('of %s counts for %s: %s', (one, other, isSame) => {
    const { guesses: all } = guesses()
    all.judge(one, another(), false)
    expect(all.judge(other, 'the right one', true)).toBe(isSame ? 500 : true)
  })
})

test('whoever has any number of addresses gets no more guesses than a thousand of them would', () => {
  const { time, guesses: all } = guesses()
  const lookedAt = () =>
    Array.from({ length: 3_000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`).filter(
      (address) => all.judge(address, another(), false) === false,
    ).length
  // The others share one place besides.
  expect(lookedAt()).toBe(1_001)
  expect(lookedAt()).toBe(0)
  time.nowMs += 500
  expect(lookedAt()).toBe(1_001)
})
