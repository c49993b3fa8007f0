// `npm run bench:tables`: prints what the runs of all rows have measured, as docs/performance.md shows it: what
// came of the goals, and all figures of each run.
import { readResults } from './results.js'
import { goalsOf, tableOf, titleOf } from './table.js'

const runs = readResults()
if (runs.length === 0) {
  console.error('bench: nothing has been measured yet: npm run bench')
  process.exit(1)
}
console.log(goalsOf(runs))
for (const run of runs) console.log(`\n### ${titleOf(run)}\n\n${tableOf(run.results)}`)
