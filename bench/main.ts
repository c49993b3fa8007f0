// `npm run bench [-- --only NAME] [--rounds N] [--quick] [--against FOLDER]`: measures locked, the
// elections of the etcd3 package and of etcd's Go client (where there is Go), and the bare requests in one
// run, each row on an etcd of its own. Prints a table, and writes what was measured into bench/results/
// (or the file named by --json).
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startEtcd } from '../test/etcd/index.js'
import { goWhereItIs } from './build-go.js'
import { compare, type RowResult } from './compare.js'
import { AGAINST, versionIn } from './contenders/before.js'
import { programs } from './contenders/programs.js'
import { fileOf, type Measured, RESULTS } from './results.js'
import { ROWS } from './rows/index.js'
import { tableOf } from './table.js'

const QUICK_SIZE = 1 / 50

const help = `npm run bench -- [options]

  --only NAME       one row: ${ROWS.map(({ name }) => name).join(', ')}
  --rounds N        how often each is repeated
  --quick           few paths, one round: only to see that it works
  --against FOLDER  another version of this package as well, which has been built there
  --json FILE       where to write the figures (after a whole run: into ${RESULTS})`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    against: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(help)
  process.exit(0)
}
const rows = ROWS.filter(({ name }) => values.only === undefined || name === values.only)
if (rows.length === 0) fail(`--only: there is no row ${values.only}`)
const rounds = values.quick ? 1 : values.rounds === undefined ? undefined : Number(values.rounds)
if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0)) {
  fail(`--rounds must be a whole number above 0, was given ${values.rounds}`)
}

if (values.against !== undefined) {
  const folder = resolve(values.against)
  await assertVersion(folder)
  // For all processes that are started from here.
  process.env[AGAINST] = folder
}
using go = await goWhereItIs()
const contenders = programs({ against: values.against !== undefined, go })

const results: RowResult[] = []
let etcdVersion = ''
for (const row of rows) {
  // Each row has an etcd of its own: what one leaves behind must not slow the next.
  await using etcd = await startEtcd()
  etcdVersion = await versionOf(etcd.endpoint)
  try {
    const result = await compare(row, {
      endpoint: etcd.endpoint,
      contenders,
      size: values.quick ? QUICK_SIZE : 1,
      ...(rounds === undefined ? {} : { rounds }),
      log: (line) => console.error(line),
    })
    results.push(result)
  } catch (error) {
    // The other rows have something to say all the same.
    console.error(`${row.name} could not be measured:`, error)
    process.exitCode = 1
  }
}
console.log(tableOf(results))

const whole = values.only === undefined && values.against === undefined && !values.quick
const machine = { node: process.version, processors: cpus().length, etcd: etcdVersion }
const file = values.json ?? (whole ? fileOf(machine) : undefined)
if (file !== undefined) {
  const measured: Measured = { machine, results }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(measured, null, 2)}\n`)
  console.error(`written to ${file}`)
}

async function assertVersion(folder: string): Promise<void> {
  try {
    await versionIn(folder)
  } catch (thrown) {
    fail(`--against must be a folder with a version of this package that has been built: ${thrown}`)
  }
}

async function versionOf(endpoint: string): Promise<string> {
  const response = await fetch(`http://${endpoint}/version`)
  const { etcdserver } = (await response.json()) as { readonly etcdserver: string }
  return etcdserver
}

function fail(message: string): never {
  console.error(`bench: ${message}\n\n${help}`)
  process.exit(2)
}
