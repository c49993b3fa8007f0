import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { initialTransition, transition } from 'xstate'
import {
  type ElectionEvent,
  electionMachine,
  type Successor,
  type Waiting,
} from '../../machines/election.js'
import {
  amongKnown,
  amongListed,
  answered,
  batchOf,
  chosenOf,
  isDecided,
} from '../../machines/successor.js'

type Lateness = 'in time' | 'overdue' | 'no answer'

const OVERDUE = { 'in time': false, overdue: true, 'no answer': null } as const
const lateness = fc.constantFrom<Lateness>('in time', 'overdue', 'no answer')

function candidate(since: number, id: string | null = 'node'): Successor {
  return { id, instance: `${since}`, text: '', since, revision: since, lease: `lease ${since}` }
}

/** The latest first. */
function waitingOf(count: number): readonly Waiting[] {
  return Array.from({ length: count }, (_, at) => candidate(count - at))
}

/** All that are asked about, and answered in the order that `rank` says within each batch. */
function ask(told: readonly Lateness[], rank: (at: number) => number) {
  let waiting = waitingOf(told.length)
  const batches: number[] = []
  while (!isDecided(waiting)) {
    const batch = batchOf(waiting)
    batches.push(batch.length)
    const inTurn = batch
      .map(({ instance }) => told.length - Number(instance))
      .sort((one, other) => rank(one) - rank(other))
    for (const at of inTurn) {
      if (isDecided(waiting)) break
      const isOverdue = OVERDUE[told[at] ?? 'no answer']
      waiting = answered(waiting, { instance: `${told.length - at}`, isOverdue })
    }
  }
  return { chosen: chosenOf(waiting)?.since, batches, waiting }
}

describe('of several who wait', () => {
  test('the latest is chosen that is in time, else that is not known to be late, else the latest', () => {
    const orders = fc.func(fc.integer())
    fc.assert(
      fc.property(fc.array(lateness, { minLength: 1, maxLength: 40 }), orders, (told, rank) => {
        const first = (wanted: readonly Lateness[]) => told.findIndex((one) => wanted.includes(one))
        const [inTime, notLate] = [first(['in time']), first(['in time', 'no answer'])]
        const at = inTime !== -1 ? inTime : Math.max(notLate, 0)
        expect(ask(told, rank).chosen).toBe(told.length - at)
      }),
    )
  })

  test('one is asked about first, then two, then four, and none of a batch after one in time', () => {
    fc.assert(
      fc.property(fc.array(lateness, { minLength: 1, maxLength: 40 }), (told) => {
        const { batches, waiting } = ask(told, (at) => at)
        const inTime = told.indexOf('in time')
        const needed = inTime === -1 ? told.length : inTime + 1
        for (const [index, size] of batches.slice(0, -1).entries()) expect(size).toBe(2 ** index)
        const before = batches.slice(0, -1).reduce((sum, size) => sum + size, 0)
        expect(before).toBeLessThan(needed)
        expect(before + (batches.at(-1) ?? 0)).toBeGreaterThanOrEqual(needed)
        expect(waiting.filter(({ isOverdue }) => isOverdue !== undefined)).toHaveLength(needed)
      }),
    )
  })

  test('what has been told by then decides when time is up', () => {
    const told = fc.array(fc.option(lateness, { nil: undefined }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(told, (answers) => {
        const waiting = waitingOf(answers.length).map((one, at) => {
          const answer = answers[at]
          return answer === undefined ? one : { ...one, isOverdue: OVERDUE[answer] }
        })
        const chosen = chosenOf(waiting)
        const at = answers.length - (chosen?.since ?? 0)
        if (answers.includes('in time')) expect(at).toBe(answers.indexOf('in time'))
        else
          expect(at).toBe(
            Math.max(
              answers.findIndex((one) => one !== 'overdue'),
              0,
            ),
          )
        expect(chosen).not.toHaveProperty('isOverdue')
      }),
    )
  })
})

describe('whoever is named', () => {
  const waiting = [candidate(1, 'a'), candidate(2, 'b'), candidate(3, null)]
  const wanted = (to: string | null, instance = 'own') => ({ instance, to })

  test('restricts the choice, and leaves it as it is where nobody of that name waits', () => {
    expect(amongListed(waiting, wanted('b'))).toEqual([waiting[1]])
    expect(amongListed(waiting, wanted('c'))).toEqual(waiting)
    expect(amongListed(waiting, wanted(null, '1'))).toEqual(waiting.slice(1))
  })

  test('is relied on to wait as it was told, and nobody is to have come since where none is', () => {
    expect(amongKnown(waiting, 7, wanted('b'))).toEqual([waiting[1]])
    expect(amongKnown(waiting, 7, wanted('c'))).toEqual([])
    expect(amongKnown(waiting, 7, wanted(null))).toEqual(
      waiting.map((one) => ({ ...one, knownUpTo: 7 })),
    )
  })
})

describe('a leader whose work has ended', () => {
  const [one, two] = [candidate(1, 'a'), candidate(2, 'b')]

  test.each<[string, ElectionEvent, object]>([
    ['one is known', { type: 'drained', waiting: [one], knownUpTo: 7 }, { stopped: 'handingOver' }],
    [
      'several are',
      { type: 'drained', waiting: [one, two], knownUpTo: 7 },
      { stopped: { choosing: 'checking' } },
    ],
    ['nobody is', { type: 'drained', waiting: [], knownUpTo: 7 }, { stopped: 'listing' }],
    ['it is not known', { type: 'drained', waiting: null }, { stopped: 'listing' }],
    ['nobody ever waits', { type: 'drained', waiting: [] }, { stopped: 'releasing' }],
  ])('where %s', (_, event, state) => {
    expect(drainedBy(event).value).toEqual(state)
  })

  test('asks where the one that is named is not among those whom it knows', () => {
    const event: ElectionEvent = { type: 'drained', waiting: [one, two], knownUpTo: 7 }
    expect(drainedBy(event, 'c').value).toEqual({ stopped: 'listing' })
    expect(drainedBy(event, 'a')).toMatchObject({
      value: { stopped: 'handingOver' },
      context: { successor: one },
    })
  })
})

function drainedBy(event: ElectionEvent, to: string | null = null) {
  const input = { path: '/path', id: 'own', instance: 'own', value: null, ttl: 10, isSole: true }
  const [{ context }] = initialTransition(electionMachine, input)
  const holder = { id: 'own', value: null, instance: 'own', token: 1, session: 'lease' }
  const before = electionMachine.resolveState({
    value: { stopped: 'draining' },
    context: { ...context, holder, to },
  })
  return transition(electionMachine, before, event)[0]
}
