import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { simulate } from '../../../verification/simulation/simulate.js'
import { schedules } from './schedules.js'

const runs = Number(process.env.LOCKED_SIMULATIONS ?? 300)
/** Always the same in `npm test`; `npm run simulate` takes another each time. */
const seed = Number(process.env.LOCKED_SIMULATION_SEED ?? 1)

// An actor that is made to crash says so: by a warning, where it is an app's own.
vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)

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
