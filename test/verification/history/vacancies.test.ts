import { describe, expect, test } from 'vitest'
import { checkHistory } from '../../../verification/history/checker.js'
import type { HistoryEntry } from '../../../verification/history/history.js'
import { a, b, elsewhere, path } from './entries.js'

describe('vacancies', () => {
  const lengths = (...entries: HistoryEntry[]) =>
    checkHistory(entries).vacancies.map(({ since, until, next }) => [since, until, next])

  test('last from the first start, or the end of a leadership, to the next select', () => {
    const entries = [
      a.start(10),
      b.start(20),
      a.select(15, 1),
      a.deselect(30),
      b.select(37.5, 2),
      b.deselect(40),
      a.select(40, 3),
      a.vacant(50),
    ]
    expect(lengths(...entries)).toEqual([
      [10, 15, 'a'],
      [30, 37.5, 'b'],
    ])
    expect(checkHistory(entries)).toMatchObject({
      elections: 3,
      nodes: 2,
      lengthMs: 40,
      longestVacancy: { path, since: 30, until: 37.5, lengthMs: 7.5, next: 'b' },
    })
  })

  test('last to the end of a history without election', () => {
    expect(lengths(a.start(10), a.didNotLead(90))).toEqual([[10, 90, null]])
  })

  test('begin when the process of the leader is dead', () => {
    expect(lengths(a.select(0, 1), b.start(5), a.exit(10), b.select(30, 2))).toEqual([
      [10, 30, 'b'],
    ])
  })

  test('begin when the process of a leader stands still for good', () => {
    const entries = [a.select(0, 1), b.start(5), a.stall(10, 50), b.select(30, 2), a.deselect(51)]
    expect(lengths(...entries)).toEqual([[10, 30, 'b']])
  })

  test('are none while a leader that stood still remains the leader', () => {
    const stood = [a.stall(10, 50), a.awake(10, 51)]
    expect(lengths(a.select(0, 1), b.start(5), ...stood, b.stop(500))).toEqual([])
  })

  test('are none while nobody competes', () => {
    const entries = [a.start(0), a.select(0, 1), a.deselect(10), a.stop(10), a.start(90)]
    expect(lengths(...entries, a.select(95, 2))).toEqual([[90, 95, 'a']])
  })

  test('end when the last competitor dies', () => {
    expect(lengths(a.start(0), a.exit(10), b.start(50), b.select(50, 1))).toEqual([[0, 10, null]])
  })

  test('are counted on each path', () => {
    const entries = [a.start(0), a.select(1, 1), elsewhere(b.start(0)), elsewhere(b.select(3, 2))]
    expect(checkHistory(entries)).toMatchObject({
      paths: [path, '/elsewhere'],
      vacancies: [{ path }, { path: '/elsewhere' }],
      longestVacancy: { path: '/elsewhere', lengthMs: 3 },
    })
  })
})
