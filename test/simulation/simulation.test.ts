import fc from 'fast-check'
import { expect, test } from 'vitest'
import { simulate } from '../../src/testing/simulation/simulate.js'
import { schedules } from './schedules.js'

const runs = Number(process.env.LOCKED_SIMULATIONS ?? 300)
/** Always the same in `npm test`; `npm run simulate` takes another each time. */
const seed = Number(process.env.LOCKED_SIMULATION_SEED ?? 1)

test(`no promise is broken in ${runs} random schedules (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const { faults } = await simulate(schedule)
      expect(faults).toEqual([])
    }),
    { numRuns: runs, seed },
  )
})
