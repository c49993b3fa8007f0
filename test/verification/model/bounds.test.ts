import { expect, test, vi } from 'vitest'
import { checkModel, formatModelReport } from '../../../verification/model/index.js'

// However busy the machine is.
vi.setConfig({ testTimeout: 1_200_000 })

const NEW_FAULTS = { renewals: true, resets: true, exceptions: true, snapshots: true } as const

test('a single node is elected again after whatever happens to it', () => {
  const report = checkModel({
    bounds: { ...NEW_FAULTS, nodes: 1, values: 1, changes: 2, late: 1, junk: true, revokes: true },
  })
  expect(report).toMatchObject({ complete: true, counterexample: null })
})

test('a search that was given up does not pass for a complete one', () => {
  const report = checkModel({ mostStates: 1_000 })
  expect(report).toMatchObject({ complete: false, counterexample: null })
  expect(formatModelReport(report)).toContain('not complete')
})

test('two nodes are explored in every combination, not one after the other', () => {
  const small = { values: 1, changes: 1, late: 0, junk: false } as const
  const one = checkModel({ bounds: { nodes: 1, ...small } })
  const two = checkModel({ bounds: { nodes: 2, ...small } })
  // Of the pairs that could be, many cannot: two nodes do not both hold the path.
  expect(two.states).toBeGreaterThan(one.states * 40)
  expect(two.states).toBeLessThan(one.states * one.states)
})

test('bounds that make no sense are refused', () => {
  expect(() => checkModel({ bounds: { nodes: 4 } })).toThrow(
    'nodes must be a whole number from 1 to 3, not 4',
  )
})
