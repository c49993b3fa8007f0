import { describe, expect, test } from 'vitest'
import { checkHistory } from '../../../verification/history/checker.js'
import { a, b, on } from './entries.js'
import { cases } from './fault-cases.js'

describe('checkHistory', () => {
  test.each(cases)('finds $title', ({ wrong, faults }) => {
    const found = checkHistory(wrong).faults
    expect(found).toHaveLength(faults.length)
    expect(found).toMatchObject(faults)
    for (const { message } of found) expect(message).toMatch(/^(process of )?\S.* /)
  })

  test.each(cases)('finds nothing in the right history beside: $title', ({ right }) => {
    expect(checkHistory(right).faults).toEqual([])
  })

  test('names the nodes, the path and the length of an overlap', () => {
    const [fault] = checkHistory([a.select(0, 1), b.select(10, 2), a.deselect(12.5)]).faults
    expect(fault?.message).toBe('a and b were both selected on /leader for 2.5 ms')
  })

  test('finds every pair among three leaders', () => {
    const c = on('c')
    const { faults } = checkHistory([a.select(0, 1), b.select(1, 2), c.select(2, 3)])
    expect(faults.map((fault) => 'nodes' in fault && fault.nodes)).toEqual([
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
    ])
  })

  test('does not depend on the order in which the processes are read', () => {
    const history = [a.start(0), a.select(5, 1), a.deselect(9), b.start(1), b.select(8, 2)]
    const { faults, ...rest } = checkHistory(history)
    expect(checkHistory([...history].reverse())).toEqual({ faults, ...rest })
    expect(faults).toMatchObject([{ kind: 'two-selected', at: 8, lengthMs: 1 }])
  })

  test('leaves the given entries as they are', () => {
    const history = Object.freeze([b.select(9, 2), a.select(0, 1)])
    checkHistory(history)
    expect(history[0]?.at).toBe(9)
  })

  test('gives plain data', () => {
    const report = checkHistory(cases.flatMap(({ wrong }) => wrong))
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('finds nothing in no history', () => {
    const report = checkHistory([])
    expect(report).toMatchObject({ faults: [], elections: 0, vacancies: [], longestVacancy: null })
  })
})
