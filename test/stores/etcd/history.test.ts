import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Header, History } from '../../../src/stores/etcd/history.js'

const LINEARIZABLE = { isLinearizable: true }
const LOOSE = { isLinearizable: false }

function header(revision: number, { term = 2, member = '1', cluster = '7' } = {}): Header {
  return {
    cluster_id: cluster,
    member_id: member,
    revision: String(revision),
    raft_term: String(term),
  }
}

/** A history that is known up to revision 50, with a count of how often it was replaced. */
function known() {
  const history = new History()
  let replaced = 0
  history.onReplaced(() => {
    replaced += 1
  })
  history.learn(header(50), history.mark, LINEARIZABLE)
  return { history, times: () => replaced }
}

test('what a proxy says by itself, of no cluster and no member, tells nothing of a history', () => {
  const { history, times } = known()
  const before = history.mark
  for (const revision of [1, 60]) {
    history.learn(header(revision, { cluster: '0', member: '0', term: 0 }), before, LOOSE)
  }
  expect(times()).toBe(0)
  expect(history.mark).toEqual(before)
  expect([...history.terms.keys()]).toEqual(['1'])
})

describe('a history was replaced', () => {
  test('when a linearizable answer is behind what was known when it was asked for', () => {
    const { history, times } = known()
    history.learn(header(49), history.mark, LINEARIZABLE)
    expect(times()).toBe(1)
    expect(history.mark.revision).toBe(49)
  })

  test('when it is of a term that had passed by then', () => {
    const { history, times } = known()
    history.learn(header(60, { term: 1 }), history.mark, LINEARIZABLE)
    expect(times()).toBe(1)
  })

  test('when any answer comes from another cluster', () => {
    const { history, times } = known()
    history.learn(header(60, { cluster: '8' }), history.mark, LOOSE)
    expect(times()).toBe(1)
  })

  test('once, however many answers of the one before are still to come', () => {
    const { history, times } = known()
    const { mark } = history
    history.learn(header(3), mark, LINEARIZABLE)
    history.learn(header(51), mark, LINEARIZABLE)
    history.learn(header(4), history.mark, LINEARIZABLE)
    expect(times()).toBe(1)
    expect(history.mark.revision).toBe(4)
    expect(history.isReplacedSince(mark)).toBe(true)
  })

  test('and the terms of its members are forgotten', () => {
    const { history } = known()
    history.learn(header(60, { member: '2', term: 9, cluster: '8' }), history.mark, LOOSE)
    expect([...history.terms]).toEqual([['2', '9']])
  })
})

describe('a history was not replaced', () => {
  test('when a member only lags: what is not linearizable proves nothing', () => {
    const { history, times } = known()
    history.learn(header(10, { member: '2', term: 1 }), history.mark, LOOSE)
    expect(times()).toBe(0)
    expect(history.mark).toMatchObject({ revision: 50, term: 2n })
  })

  test('when an answer is older than what became known after it was asked for', () => {
    const { history, times } = known()
    const { mark } = history
    history.learn(header(70, { member: '2' }), history.mark, LINEARIZABLE)
    history.learn(header(55), mark, LINEARIZABLE)
    expect(times()).toBe(0)
  })

  test('by whatever a cluster answers that keeps its history', () => {
    // Requests overlap at will: each is answered by a member that has applied what was committed
    // when it was sent, or, if it is not linearizable, whatever it has.
    const request = fc.record({
      isLinearizable: fc.boolean(),
      member: fc.constantFrom('1', '2', '3'),
      commitsBefore: fc.nat(3),
      lag: fc.nat(5),
      answeredAfter: fc.nat(4),
    })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        const history = new History()
        let replaced = 0
        history.onReplaced(() => {
          replaced += 1
        })
        const committed = { revision: 1, term: 2 }
        const answers: { due: number; deliver: () => void }[] = []
        requests.forEach((one, index) => {
          committed.revision += one.commitsBefore
          if (one.commitsBefore === 3) committed.term += 1
          const { mark } = history
          const lag = one.isLinearizable ? 0 : one.lag
          const answer = header(Math.max(1, committed.revision - lag), {
            member: one.member,
            term: Math.max(2, committed.term - lag),
          })
          answers.push({
            due: index + one.answeredAfter,
            deliver: () => history.learn(answer, mark, one),
          })
          for (const { deliver } of answers.filter(({ due }) => due === index)) deliver()
        })
        expect(replaced).toBe(0)
      }),
    )
  })
})

test('the terms that were taken before stay as they were', () => {
  const { history } = known()
  const { terms } = history
  history.learn(header(51, { term: 3 }), history.mark, LINEARIZABLE)
  expect(terms.get('1')).toBe('2')
  expect(history.terms.get('1')).toBe('3')
})
