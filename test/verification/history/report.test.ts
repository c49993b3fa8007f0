import { describe, expect, test } from 'vitest'
import { checkHistory } from '../../../verification/history/checker.js'
import { formatReport } from '../../../verification/history/report.js'
import { a, b } from './entries.js'

describe('formatReport', () => {
  test('says in short that all was right', () => {
    const report = checkHistory([a.start(1000), a.select(1002.5, 1), a.didNotLead(1010)])
    expect(formatReport(report)).toBe(
      [
        '1 election among 1 node on 1 path in 10 ms (3 history entries)',
        '1 vacancy, the longest 2.5 ms at 0 ms on /leader, ended by a',
        'no faults',
        '',
      ].join('\n'),
    )
  })

  test('lists every fault, with its time from the beginning', () => {
    const report = checkHistory([a.select(1000, 2), b.select(1010, 1), a.deselect(1012)])
    expect(formatReport(report)).toBe(
      [
        '2 elections among 2 nodes on 1 path in 12 ms (3 history entries)',
        'never vacant',
        '2 faults:',
        '  at 10 ms: two-selected: a and b were both selected on /leader for 2 ms',
        '  at 10 ms: token-not-grown: b was elected on /leader with token 1, after a with 2',
        '',
      ].join('\n'),
    )
  })
})
