import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkHistory } from '../../../verification/history/checker.js'
import {
  formatEntry,
  type HistoryEntry,
  parseHistory,
} from '../../../verification/history/history.js'

const path = '/leader'
const nodes = ['a', 'b', 'c', 'd'] as const
const wakesAfterMs = 1000

/** One leadership: who has it (counted on from the last leader, so never the same), and how. */
interface Term {
  readonly stepsOn: number
  readonly gapMs: number
  readonly lengthMs: number
  readonly tokenGrowth: number
  readonly stalls: boolean
  /** From the deselect after a stall until the event loop has gone round. */
  readonly turnMs: number
  readonly proposes: boolean
}

const anyTerm: fc.Arbitrary<Term> = fc.record({
  stepsOn: fc.integer({ min: 1, max: nodes.length - 1 }),
  // Often 0: one leadership may end at the instant at which the next begins.
  gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5000, noNaN: true })),
  lengthMs: fc.double({ min: 10, max: 5000, noNaN: true }),
  tokenGrowth: fc.integer({ min: 1, max: 1_000_000 }),
  stalls: fc.boolean(),
  // On a busy machine, longer than anything else.
  turnMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 60_000, noNaN: true })),
  proposes: fc.boolean(),
})
const anyTerms = fc.array(anyTerm, { minLength: 2, maxLength: 20 })

interface Led {
  readonly node: string
  readonly since: number
  readonly until: number
  readonly token: bigint
  readonly term: Term
}

/** One leader after the other. A node that stands still is not elected before it has woken. */
function scheduleTerms(terms: readonly Term[]): Led[] {
  const wakesAt = new Map<string, number>()
  const led: Led[] = []
  let at = 1
  let leader = 0
  let token = 2n ** 53n
  for (const term of terms) {
    leader = (leader + term.stepsOn) % nodes.length
    const node = nodes[leader] ?? 'a'
    const since = Math.max(at + term.gapMs, (wakesAt.get(node) ?? 0) + 10)
    const until = since + term.lengthMs
    token += BigInt(term.tokenGrowth)
    if (term.stalls) wakesAt.set(node, until + wakesAfterMs + term.turnMs)
    led.push({ node, since, until, token, term })
    at = until
  }
  return led
}

const common = (node: string, at: number) => ({ path, node, at, process: `process of ${node}` })

function playSchedule(led: readonly Led[]): HistoryEntry[] {
  const starts = nodes.map(
    (node): HistoryEntry => ({ ...common(node, 0), kind: 'start', id: node, value: { of: node } }),
  )
  const endMs = (led.at(-1)?.until ?? 0) + 10 * wakesAfterMs
  const last: HistoryEntry = { ...common('a', endMs), kind: 'sample', isLeader: false }
  return [...starts, ...led.flatMap(playTerm), last]
}

function playTerm({ node, since, until, token, term }: Led): HistoryEntry[] {
  const value = { of: node }
  const seen = (at: number, what: unknown, revision: bigint): HistoryEntry[] =>
    nodes.map((seer) => ({
      ...common(seer, at),
      kind: 'change',
      value: what,
      nodeid: node,
      token,
      revision,
    }))
  const proposal = { of: node, with: token.toString() }
  const proposed: HistoryEntry[] = term.proposes
    ? [
        { ...common(node, since + 2), kind: 'propose', value: proposal },
        ...seen(since + 3, proposal, token),
      ]
    : []
  // On waking, before the event loop has gone round.
  const saysAt = term.stalls ? until + wakesAfterMs : until
  const stall: HistoryEntry[] = term.stalls
    ? [
        { ...common(node, saysAt), kind: 'stall', since: until },
        { ...common(node, saysAt + term.turnMs), kind: 'awake', since: until },
      ]
    : []
  return [
    { ...common(node, since), kind: 'select', token, value, id: node },
    { ...common(node, until), kind: 'sample', isLeader: true, since },
    ...seen(since + 1, value, token),
    ...proposed,
    ...stall,
    { ...common(node, saysAt), kind: 'deselect', reason: 'expired' },
  ]
}

/** Terms, one of them that is not the last, and a number between 0 and 1. */
const termsAndOne = fc.record({
  led: anyTerms.map(scheduleTerms),
  one: fc.nat(),
  fraction: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
})

function pickTwo(led: readonly Led[], one: number): readonly [Led, Led, number] {
  const index = one % (led.length - 1)
  const [first, next] = led.slice(index)
  if (first === undefined || next === undefined) throw new Error('fewer than two terms')
  return [first, next, index]
}

describe('a history with one leader after the other', () => {
  test('has no faults, and as many elections as terms', () => {
    fc.assert(
      fc.property(anyTerms, (terms) => {
        const report = checkHistory(playSchedule(scheduleTerms(terms)))
        expect(report.faults).toEqual([])
        expect(report.elections).toBe(terms.length)
      }),
    )
  })

  test('is judged the same after writing and reading, from processes in any order', () => {
    fc.assert(
      fc.property(anyTerms, fc.shuffledSubarray([...nodes], { minLength: 4 }), (terms, order) => {
        const history = playSchedule(scheduleTerms(terms))
        const texts = order.map((node) =>
          history
            .filter((entry) => entry.node === node)
            .map(formatEntry)
            .join(''),
        )
        expect(checkHistory(texts.flatMap(parseHistory))).toEqual(checkHistory(history))
      }),
    )
  })
})

describe('a history that is replaced between two leaders', () => {
  const sharedMs = fc.double({ min: 0, max: 2000, noNaN: true })

  test('excuses tokens and revisions that begin anew, and an overlap of up to 1 s', () => {
    fc.assert(
      fc.property(termsAndOne, sharedMs, ({ led, one }, lengthMs) => {
        const [, next, index] = pickTwo(led, one)
        const played = playSchedule(replacedBefore(led, index + 1, lengthMs))
        const at = next.since
        const replaced: HistoryEntry = { ...common('operator', at), kind: 'replaced', since: at }
        const kinds = (entries: readonly HistoryEntry[]) =>
          new Set(checkHistory(entries).faults.map(({ kind }) => kind))
        const tooLong = lengthMs > 1000 ? ['two-selected', 'two-sampled'] : []
        expect(kinds([...played, replaced])).toEqual(new Set(tooLong))
        expect(kinds(played)).toContain('token-not-grown')
        expect(kinds(played)).toContain('revision-went-back')
      }),
    )
  })

  /** From this term on, in another history, while the leader before goes on for so long. */
  function replacedBefore(led: readonly Led[], index: number, lengthMs: number): Led[] {
    return led.map((one, place) => {
      const term = { ...one.term, stalls: false }
      const token = place < index ? one.token : one.token - 2n ** 53n
      // Whoever follows is not elected before the overlap is over.
      const since = place > index ? one.since + 3 * lengthMs : one.since
      const until = place === index - 1 ? (led[index]?.since ?? 0) + lengthMs : one.until
      return place < index - 1
        ? { ...one, term }
        : { ...one, term, token, since, until: place < index ? until : one.until + 3 * lengthMs }
    })
  }
})

describe('an overlap put into such a history is found', () => {
  test('where a leader is deselected only after the next is selected', () => {
    fc.assert(
      fc.property(termsAndOne, ({ led, one, fraction }) => {
        const [first, next, index] = pickTwo(led, one)
        const lengthMs = fraction * 10
        const late: Led = {
          ...first,
          until: next.since + lengthMs,
          term: { ...first.term, stalls: false },
        }
        const { faults } = checkHistory(playSchedule(led.with(index, late)))
        const pair = { nodes: [first.node, next.node], at: next.since }
        expect(faults).toMatchObject([
          { kind: 'two-selected', ...pair, lengthMs: expect.closeTo(lengthMs, 3) },
          { kind: 'two-sampled', ...pair, lengthMs: expect.closeTo(lengthMs, 3) },
        ])
      }),
    )
  })

  test('where a single sample is true in another node, though no event says so', () => {
    fc.assert(
      fc.property(termsAndOne, ({ led, one, fraction }) => {
        const [first, next] = pickTwo(led, one)
        const at = first.since + fraction * (first.until - first.since)
        const sample: HistoryEntry = {
          ...common(next.node, at),
          kind: 'sample',
          isLeader: true,
          since: at,
        }
        const { faults } = checkHistory([...playSchedule(led), sample])
        expect(faults).toMatchObject([
          { kind: 'two-sampled', nodes: [first.node, next.node], at, lengthMs: 0 },
        ])
      }),
    )
  })

  test('where another node is selected within the time of a leader, and never deselected', () => {
    fc.assert(
      fc.property(termsAndOne, ({ led, one, fraction }) => {
        const [first, , index] = pickTwo(led, one)
        const at = first.since + fraction * (first.until - first.since)
        const select: HistoryEntry = {
          ...common('intruder', at),
          kind: 'select',
          token: first.token,
          value: 0,
          id: 'intruder',
        }
        const { faults } = checkHistory([...playSchedule(led), select])
        const pairs = faults.filter(({ kind }) => kind === 'two-selected')
        expect(pairs[0]).toMatchObject({ nodes: [first.node, 'intruder'], at, until: first.until })
        expect(pairs).toHaveLength(led.length - index)
        expect(faults.filter(({ kind }) => kind === 'token-not-grown')).toHaveLength(1)
      }),
    )
  })
})

/** A leader that stands still, another that is selected meanwhile, and when the first says so. */
const late = fc
  .record({
    standsMs: fc.double({ min: 1, max: 60_000, noNaN: true }),
    turnMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
    selectedAfter: fc.double({ min: 0, max: 0.99, noNaN: true }),
    saidAfter: fc.double({ min: 0, max: 1, noNaN: true }),
    lateMs: fc.double({ min: 0.001, max: 60_000, noNaN: true }),
  })
  .map(({ standsMs, turnMs, selectedAfter, saidAfter, lateMs }) => {
    const since = 100
    const wokeAt = since + standsMs
    const awakeAt = wokeAt + turnMs
    const play = (saidAt: number): HistoryEntry[] => [
      { ...common('a', 0), kind: 'select', token: 1, value: 0, id: 'a' },
      { ...common('a', wokeAt), kind: 'stall', since },
      { ...common('a', awakeAt), kind: 'awake', since },
      {
        ...common('b', since + selectedAfter * standsMs),
        kind: 'select',
        token: 2,
        value: 0,
        id: 'b',
      },
      { ...common('a', saidAt), kind: 'deselect', reason: 'expired' },
    ]
    return {
      inTime: play(wokeAt + saidAfter * turnMs),
      tooLate: play(awakeAt + lateMs),
      wokeAt,
      awakeAt,
    }
  })

describe('a deselect of a leader that stood still', () => {
  test('is excused until its event loop has gone round, however long that takes', () => {
    fc.assert(
      fc.property(late, ({ inTime }) => {
        expect(checkHistory(inTime).faults).toEqual([])
      }),
    )
  })

  test('is not excused after that, however soon it comes', () => {
    fc.assert(
      fc.property(late, ({ tooLate }) => {
        expect(checkHistory(tooLate).faults).toMatchObject([{ kind: 'two-selected' }])
      }),
    )
  })

  test('is excused for good if its process is not seen awake again', () => {
    fc.assert(
      fc.property(late, ({ tooLate }) => {
        const { faults } = checkHistory(tooLate.filter(({ kind }) => kind !== 'awake'))
        expect(faults).toEqual([])
      }),
    )
  })

  test('is not excused by a stall of another process, or one from before it led', () => {
    fc.assert(
      fc.property(late, fc.boolean(), ({ inTime }, ofAnother) => {
        const history = inTime.map((entry): HistoryEntry => {
          if (entry.kind !== 'stall') return entry
          return ofAnother ? { ...entry, process: 'process of b' } : { ...entry, since: -1 }
        })
        expect(checkHistory(history).faults).toMatchObject([{ kind: 'two-selected' }])
      }),
    )
  })

  test('does not excuse a sample on waking', () => {
    fc.assert(
      fc.property(late, ({ inTime, wokeAt, awakeAt }) => {
        const samples: HistoryEntry[] = [
          { ...common('a', wokeAt), kind: 'sample', isLeader: true, since: wokeAt },
          { ...common('b', awakeAt + 1), kind: 'sample', isLeader: true, since: wokeAt - 0.5 },
        ]
        expect(checkHistory([...inTime, ...samples]).faults).toMatchObject([
          { kind: 'two-sampled', nodes: expect.arrayContaining(['a', 'b']), at: wokeAt },
        ])
      }),
    )
  })
})
