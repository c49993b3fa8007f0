// `npm run bench:tables`: prints what the runs of all rows have measured, as docs/performance.md shows it: all
// figures of the first run, and the goals of each.
import { readResults } from './results.js'
import { goalsOf, tableOf } from './table.js'

const runs = readResults()
const [first] = runs
if (first === undefined) {
  console.error('bench: nothing has been measured yet: npm run bench')
  process.exit(1)
}
console.log(`${tableOf(first.results)}\n\n${goalsOf(runs)}`)
