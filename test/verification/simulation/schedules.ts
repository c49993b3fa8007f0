import fc from 'fast-check'
import {
  DEPOSITIONS,
  NODE_STEPS,
  OPERATOR_STEPS,
  type Schedule,
  type Step,
} from '../../../verification/simulation/schedule.js'

const node = fc.nat({ max: 3 })

const transfer: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('transfer'),
  to: fc.option<number, null>(node, { freq: 1, nil: null }),
})
const stopAll: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('stopAll'),
  again: fc.array(node, { maxLength: 3 }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat({ max: 4_000 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom(...NODE_STEPS), node }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('stall', 'sleep'),
      node,
      ms: fc.nat({ max: 8_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('jump'),
      node,
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom(...OPERATOR_STEPS) }) },
  { weight: 2, arbitrary: transfer },
  { weight: 1, arbitrary: stopAll },
)

/** What a user may do to whoever leads, and is promised something when nothing else happens. */
const planned: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: transfer },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stop'), node }) },
  { weight: 2, arbitrary: stopAll },
)

/** All processes can be reached. So long after it nothing is promised yet. */
const recovery: readonly Step[] = [
  ...[0, 1, 2, 3].map((one) => ({ kind: 'heal' as const, node: one })),
  { kind: 'advance', ms: 3_500 },
]
/** All nodes take part. */
const starts: readonly Step[] = [
  ...[0, 1, 2, 3].map((one) => ({ kind: 'start' as const, node: one })),
  { kind: 'advance', ms: 800 },
]

/** What a user does, and sometimes something else before that is done. */
const undisturbed: fc.Arbitrary<Step[]> = fc
  .record({
    one: planned,
    between: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 200 })),
    another: fc.option(
      fc.oneof(
        fc.record({ kind: fc.constant('propose'), node }),
        fc.record({ kind: fc.constant('stop'), node }),
        transfer,
      ),
      { freq: 1 },
    ),
  })
  .map(({ one, between, another }) => [
    ...starts,
    one,
    { kind: 'advance', ms: between },
    ...(another === null ? [] : [another]),
    { kind: 'advance', ms: one.kind === 'stopAll' ? 4_200 : 2_000 },
  ])

const calm: fc.Arbitrary<Step[]> = fc
  .array(undisturbed, { minLength: 1, maxLength: 3 })
  .map((parts) => [...recovery, ...parts.flat()])

/** As long as nothing else happens it matters most. */
const deposition: fc.Arbitrary<Step[]> = fc
  .record({
    node,
    ms: fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 8_000 })),
    // The last kind breaks promises only if much comes together.
    how: fc.constantFrom(...DEPOSITIONS, 'asked'),
    silentMs: fc.constantFrom(0, 1_000, 3_000),
    passes: fc.boolean(),
  })
  .map(({ passes, ...deposed }) => {
    const depose = { kind: 'depose' as const, ...deposed }
    return passes ? [depose, { kind: 'advance', ms: deposed.ms + deposed.silentMs }] : [depose]
  })

const steps = fc
  .array(
    fc.oneof(
      { weight: 18, arbitrary: step.map((one) => [one]) },
      { weight: 3, arbitrary: deposition },
      { weight: 4, arbitrary: calm },
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.flat())

/** Schedules for two to four nodes in one to three processes, most of which start at once. */
export const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    seed: fc.nat(),
    nodes: fc.array(
      fc.record({
        ttl: fc.constantFrom(2, 2, 2, 5),
        driftPermille: fc.integer({ min: -5, max: 5 }),
        process: fc.nat({ max: 2 }),
        workMs: fc.constantFrom(0, 0, 0, 100, 400),
      }),
      { minLength: 2, maxLength: 4 },
    ),
    latencyMs: fc.constantFrom(0, 5, 50, 400),
    lossPercent: fc.constantFrom(0, 0, 2, 20),
    starting: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    steps,
  })
  .map(({ starting, steps: following, ...schedule }) => ({
    ...schedule,
    steps: [
      ...starting.flatMap((starts, index) =>
        starts ? [{ kind: 'start' as const, node: index }] : [],
      ),
      ...withoutHiddenSleeps(following),
    ],
  }))

/**
 * A machine whose wall clock was set back and that is suspended before anybody has read it cannot know
 * for how long it was: docs/correctness.md names that among the exceptions.
 */
function withoutHiddenSleeps(all: readonly Step[]): Step[] {
  const setBack = all.findIndex((one) => one.kind === 'jump' && one.ms < 0)
  if (setBack === -1) return [...all]
  return all.map((one, index) =>
    one.kind === 'sleep' && index > setBack ? { ...one, kind: 'stall' } : one,
  )
}
