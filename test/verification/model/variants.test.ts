import { describe, expect, test, vi } from 'vitest'
import {
  checkModel,
  formatCounterexample,
  VARIANT_BOUNDS,
  VARIANTS,
} from '../../../verification/model/index.js'

// However busy the machine is.
vi.setConfig({ testTimeout: 1_200_000 })

describe('the checker catches an election that', () => {
  for (const { name, caughtAs, machine, laws, bounds } of VARIANTS) {
    test(name, () => {
      const { counterexample } = checkModel({
        bounds: { ...VARIANT_BOUNDS, ...bounds },
        ...(machine === undefined ? {} : { machine }),
        ...(laws === undefined ? {} : { laws }),
      })
      expect(counterexample?.kind).toBe(caughtAs)
      if (counterexample === null) return
      const text = formatCounterexample(counterexample)
      console.info(`an election that ${name}: ${text}`)
      // Every one begins with a user, and tells each step in words.
      expect(text).toContain(`${caughtAs}, after ${counterexample.steps.length} steps:`)
      expect(text).toContain('1. A: the user starts it  (idle -> campaigning.claiming)')
      expect(text).not.toMatch(/undefined|NaN|\?/)
    })
  }
})

test('the shortest way is told step by step, and ends in what must not be', () => {
  const { counterexample } = checkModel({
    bounds: VARIANT_BOUNDS,
    laws: { renewsAfterTheEnd: true },
  })
  expect(counterexample?.names).toEqual([
    'start',
    'start',
    'send',
    'send',
    'carryOut',
    'answer',
    'endValidity',
    'revive',
    'expireOld',
    'carryOut',
    'answer',
  ])
  expect(counterexample?.steps.at(-1)).toMatch(/^B: hears: claim won with token \d+/)
  expect(counterexample?.end.match(/isLeader/g)).toHaveLength(2)
})

test('each mistake goes unseen without the fault that shows it', () => {
  // Were these caught too, the checker would find fault with everything.
  const quiet = { ...VARIANT_BOUNDS, deletes: false, crashes: false }
  const mistakes = [
    'releases by the token alone',
    'takes the answer to one claim for the answer to an earlier one',
    'goes on following when its session has ended',
    'counts a renewal that no read confirmed',
    'relies on a lease of a history that was replaced',
    'leaves its record after an exception',
    'writes the value of an earlier reign in a later one',
    'guards a transaction by the lease, but not by the reign',
  ]
  for (const mistake of mistakes) {
    const variant = VARIANTS.find(({ name }) => name === mistake)
    expect(variant, mistake).toBeDefined()
    const { machine, laws } = variant ?? {}
    const report = checkModel({
      bounds: quiet,
      ...(machine === undefined ? {} : { machine }),
      ...(laws === undefined ? {} : { laws }),
    })
    expect(report, mistake).toMatchObject({ complete: true, counterexample: null })
  }
})

test('a deleted record makes a second leader until the first one hears of it', () => {
  // No election on one key can prevent it, so the shipped one is checked for telling the first
  // leader, and this shows what the exception is.
  const { counterexample } = checkModel({
    bounds: VARIANT_BOUNDS,
    laws: { countsRobbedLeaders: true },
  })
  expect(counterexample?.kind).toBe('two leaders')
  expect(counterexample?.names).toContain('operatorDeletes')
  expect(counterexample?.end).toContain('1 to be watched')

  const laws = { countsRobbedLeaders: true }
  const quiet = { ...VARIANT_BOUNDS, deletes: false, crashes: false }
  const without = checkModel({ bounds: quiet, laws })
  expect(without).toMatchObject({ complete: true, counterexample: null })
})

test('a replaced history makes a second leader until the first one hears of it', () => {
  const bounds = { ...VARIANT_BOUNDS, deletes: false, crashes: false, resets: true }
  const { counterexample } = checkModel({ bounds, laws: { countsOutdatedLeaders: true } })
  expect(counterexample?.kind).toBe('two leaders')
  expect(counterexample?.names).not.toContain('hearReset')
  expect(counterexample?.end).toContain('has not heard that the history was replaced')
})
