import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { History } from '../../../src/stores/etcd-v2/history.js'

let history: History
let resets: number

beforeEach(() => {
  resets = 0
  history = new History(() => {
    resets += 1
  })
})

const head = (index: number | null, clusterId: string | null = 'c') => ({ clusterId, index })

describe('a history is replaced by another', () => {
  test('when a linearizable answer has a lower index than was known before it was asked for', () => {
    history.answered(head(7), history.known)
    history.answered(head(6), history.known)
    expect(resets).toBe(1)
    expect(history.known).toEqual({ history: 1, index: 6 })
  })

  test('when an answer is of another cluster, linearizable or not', () => {
    history.answered(head(7), history.known)
    history.heard(head(8, 'd'), history.known)
    expect(resets).toBe(1)
    history.answered(head(9, 'e'), history.known)
    expect(resets).toBe(2)
  })

  test('when it is known before anybody hears of it', () => {
    history.answered(head(7), history.known)
    const seen: unknown[] = []
    const told: History = new History(() => seen.push(told.known))
    told.answered(head(7), told.known)
    told.answered(head(2), told.known)
    expect(seen).toEqual([{ history: 1, index: 2 }])
  })

  test('when something else proves it, once', () => {
    history.answered(head(7), history.known)
    const { known } = history
    history.refute(known)
    history.refute(known)
    expect(resets).toBe(1)
  })
})

describe('a history is the same', () => {
  test('when an answer is lower than what was learned after it was asked for', () => {
    const { known } = history
    history.answered(head(7), known)
    history.answered(head(6), known)
    expect(resets).toBe(0)
  })

  test('when an answer that is not linearizable is lower: that is a hint only', () => {
    history.answered(head(7), history.known)
    expect(history.heard(head(6), history.known)).toBe(true)
    expect(history.heard(head(7), history.known)).toBe(false)
    expect(resets).toBe(0)
  })

  test('when an answer does not tell its index or its cluster', () => {
    history.answered(head(7), history.known)
    history.answered(head(null, null), history.known)
    expect(history.heard(head(null, null), history.known)).toBe(false)
    expect(resets).toBe(0)
  })

  test('when what comes late is of a history that is over', () => {
    history.answered(head(7), history.known)
    const late = history.known
    history.answered(head(2, 'd'), history.known)
    history.answered(head(9), late)
    expect(history.heard(head(1), late)).toBe(false)
    expect(resets).toBe(1)
    expect(history.known.index).toBe(2)
  })

  test('whatever the order in which the answers of one that only grows arrive', () => {
    const request = fc.record({ sentAt: fc.nat(50), takes: fc.nat(50), isQuick: fc.boolean() })
    fc.assert(
      fc.property(fc.array(request), (requests) => {
        let replaced = 0
        const one = new History(() => {
          replaced += 1
        })
        // At each moment the index is the moment. A member that lags answers with an earlier one.
        const sent = new Map<(typeof requests)[number], typeof one.known>()
        for (let moment = 0; moment <= 100; moment += 1) {
          for (const each of requests) {
            if (each.sentAt === moment) sent.set(each, one.known)
            const known = sent.get(each)
            if (known === undefined || each.sentAt + each.takes !== moment) continue
            if (each.isQuick) one.heard(head(Math.floor(each.sentAt / 2)), known)
            else one.answered(head(each.sentAt), known)
          }
        }
        expect(replaced).toBe(0)
      }),
    )
  })
})
