// `npm run simulate -- [schedules] [seed]`: so many random schedules of faults against the whole
// stack on a virtual clock. A failure prints the shortest schedule that it was shrunk to.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [schedules = '5000', seed = String(Math.floor(Math.random() * 2 ** 31))] =
  process.argv.slice(2)
for (const given of [schedules, seed]) {
  if (/^\d+$/.test(given)) continue
  console.error(
    `npm run simulate -- [schedules] [seed]: both are whole numbers, was given ${given}`,
  )
  process.exit(2)
}

const vitest = createRequire(import.meta.url).resolve('vitest/package.json')
const { status } = spawnSync(
  process.execPath,
  [join(dirname(vitest), 'vitest.mjs'), 'run', 'test/verification/simulation', '--project=unit'],
  {
    cwd: join(dirname(fileURLToPath(import.meta.url)), '..'),
    stdio: 'inherit',
    env: {
      ...process.env,
      LOCKED_SIMULATIONS: schedules,
      LOCKED_SIMULATION_SEED: seed,
    },
  },
)
process.exit(status ?? 1)
