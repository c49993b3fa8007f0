// `npm run model -- --nodes 3`: explores every interleaving of some nodes, and prints what it found.
// Exits with 1 when something that must not be can be reached. Needs build/: npm compiles it before.
import { parseArgs } from 'node:util'
import {
  checkModel,
  describeBounds,
  formatModelReport,
  THREE_NODE_WORLDS,
  TWO_NODE_WORLDS,
  VARIANT_BOUNDS,
  VARIANTS,
} from '../build/verification/model/index.js'

const usage = `npm run model -- [options]

  --nodes <1|2|3>     how many nodes; 2 if not given
  --values <1|2>      values that a node may have
  --changes <1..4>    changes a watch may lag behind
  --late <0..3>       requests at a time that may still arrive after their sender gave them up
                      (two nodes and three have several worlds, one after the other, unless late
                      requests or a fault are named: then three have those alone, and two the first)
  --[no-]stops        users stop nodes
  --[no-]crashes  --[no-]deletes  --[no-]junk  --[no-]revokes
                      faults: crashed processes; records an operator deletes; junk an operator
                      writes; leases an operator revokes
  --[no-]late-entries requests of candidates may be late as well, not only those of reigns
  --[no-]guards       the work of leaders writes to the store, guarded by their reign (with --late)
  --[no-]only-leaders-propose
                      values are proposed by leaders alone
  --[no-]repeats      leaders propose the value once more that they have already
  --[no-]transfers    leaders are told to hand over
  --[no-]candidates   the store has candidates; without them a leader that stops vacates the path
  --[no-]shares       nodes of one process share their claims
  --[no-]renewals  --[no-]resets  --[no-]exceptions  --[no-]snapshots
                      faults: deposed raft leaders that answer renewals; a history that is replaced;
                      actors that end in an error; actors restored from a snapshot
  --most <states>     give up at so many states
  --variants          show how each election with a known mistake in it is caught
  --limit             show what an operator's delete can do that no election can prevent`

const FAULTS = [
  'stops',
  'crashes',
  'deletes',
  'junk',
  'revokes',
  'renewals',
  'resets',
  'exceptions',
  'snapshots',
  'repeats',
  'guards',
  'transfers',
  'candidates',
  'shares',
  'late-entries',
  'only-leaders-propose',
]

const { values: given } = parseArgs({
  options: {
    nodes: { type: 'string', default: '2' },
    values: { type: 'string' },
    changes: { type: 'string' },
    late: { type: 'string' },
    stops: { type: 'boolean' },
    crashes: { type: 'boolean' },
    deletes: { type: 'boolean' },
    junk: { type: 'boolean' },
    revokes: { type: 'boolean' },
    renewals: { type: 'boolean' },
    resets: { type: 'boolean' },
    exceptions: { type: 'boolean' },
    snapshots: { type: 'boolean' },
    repeats: { type: 'boolean' },
    guards: { type: 'boolean' },
    transfers: { type: 'boolean' },
    candidates: { type: 'boolean' },
    shares: { type: 'boolean' },
    'late-entries': { type: 'boolean' },
    'only-leaders-propose': { type: 'boolean' },
    most: { type: 'string' },
    variants: { type: 'boolean' },
    limit: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
  allowNegative: true,
})

if (given.help) console.log(usage)
else if (given.variants) showVariants()
else if (given.limit) showLimit()
else check()

function check() {
  const numbers = ['nodes', 'values', 'changes', 'late'].filter((name) => given[name] !== undefined)
  const faults = FAULTS.filter((name) => given[name] !== undefined)
  const explored = usualWorlds().map((usual) =>
    explore({
      ...usual,
      ...Object.fromEntries(numbers.map((name) => [name, Number(given[name])])),
      ...Object.fromEntries(faults.map((name) => [boundOf(name), given[name]])),
    }),
  )
  if (explored.length > 1) summarise(explored)
}

/** A line for each world, with its states and its time, and how long all took. */
function summarise(reports) {
  console.log('\nall worlds:')
  let tookMs = 0
  for (const report of reports) {
    tookMs += report.tookMs
    console.log(
      `${report.states.toLocaleString('en').padStart(12)} states ${seconds(report.tookMs).padStart(8)} s  ${report.complete ? '' : 'not complete: '}${describeBounds(report.bounds)}`,
    )
  }
  console.log(`${reports.length} worlds in ${seconds(tookMs)} s, with at most ${memory()}`)
}

function seconds(ms) {
  return (ms / 1_000).toFixed(1)
}

function memory() {
  return `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`
}

/** As it is called in Bounds. */
function boundOf(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
}

function explore(bounds) {
  console.log(`exploring ${describeBounds(bounds)}`)
  const report = checkModel({
    bounds,
    ...(given.most === undefined ? {} : { mostStates: Number(given.most) }),
    onProgress: showProgress,
  })
  if (process.stderr.isTTY) process.stderr.write('\n')
  console.log(formatModelReport(report))
  console.log(`memory: at most ${memory()}`)
  if (report.counterexample !== null || !report.complete) process.exitCode = 1
  return report
}

/** There are several, each with faults of its own, unless it is said which there are. */
function usualWorlds() {
  const isGiven = given.late !== undefined || FAULTS.some((name) => given[name] !== undefined)
  if (given.nodes === '1') return TWO_NODE_WORLDS.slice(0, 1)
  if (given.nodes !== '3') return isGiven ? TWO_NODE_WORLDS.slice(0, 1) : TWO_NODE_WORLDS
  return isGiven
    ? [{ ...THREE_NODE_WORLDS[0], transfers: false, shares: false }]
    : THREE_NODE_WORLDS
}

function showVariants() {
  for (const { name, caughtAs, machine, laws, bounds } of VARIANTS) {
    const report = checkModel({ machine, laws, bounds: { ...VARIANT_BOUNDS, ...bounds } })
    const isCaught = report.counterexample?.kind === caughtAs
    console.log(`\nAn election that ${name}${isCaught ? '' : ': NOT CAUGHT'}`)
    console.log(formatModelReport(report))
    if (!isCaught) process.exitCode = 1
  }
}

function showLimit() {
  const laws = { countsRobbedLeaders: true }
  console.log(formatModelReport(checkModel({ bounds: VARIANT_BOUNDS, laws })))
}

function showProgress(states, explored) {
  if (!process.stderr.isTTY) return
  process.stderr.write(
    `\r${states.toLocaleString('en')} states, ${explored.toLocaleString('en')} explored `,
  )
}
