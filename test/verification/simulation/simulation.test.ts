import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { simulate } from '../../../verification/simulation/simulate.js'
import { schedules } from './schedules.js'

const runs = Number(process.env.LOCKED_SIMULATIONS ?? 200)
/** Always the same in `npm test`; `npm run simulate` takes another each time. */
const seed = Number(process.env.LOCKED_SIMULATION_SEED ?? 1)

// An actor that is made to crash says so: by a warning, where it is an app's own.
vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)

test(`no promise is broken in ${runs} random schedules (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const kept = { handOvers: 0, stopsOfAll: 0 }
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const { faults, seen } = await simulate(schedule)
      expect(faults).toEqual([])
      kept.handOvers += seen.handOvers
      kept.stopsOfAll += seen.stopsOfAll
    }),
    { numRuns: runs, seed },
  )
  // Promises that no schedule puts to the test are not kept, but forgotten.
  if (runs < 100) return
  expect(kept.handOvers).toBeGreaterThan(0)
  expect(kept.stopsOfAll).toBeGreaterThan(0)
})
