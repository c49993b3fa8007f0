import fc from 'fast-check'
import {
  DEPOSITIONS,
  NODE_STEPS,
  OPERATOR_STEPS,
  type Schedule,
  type Step,
} from '../../../verification/simulation/schedule.js'

const node = fc.nat({ max: 3 })

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
)

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
