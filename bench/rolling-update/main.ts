// `npm run rolling-update [-- --orders N] [--only NAME] [--json FILE]`: replaces the five processes of an
// election one after the other, in N of the 120 orders, with this package, the election of the etcd3 package
// and that of etcd's Go client (where there is Go). Prints what came of it as a table. By default it is 20
// orders, all there are of the first two; all 120 take six times as long. Exit code 1: of this package, one of
// them had a third leader, a vacancy or two at work at once.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startEtcd } from '../../test/etcd/index.js'
import { goWhereItIs } from '../build-go.js'
import { type Contender, ETCD3, goContender, LOCKED } from './contender.js'
import { ordersOf, sampleOf } from './orders.js'
import { type Outcome, rollingUpdate } from './update.js'

const PROCESSES = [0, 1, 2, 3, 4]
const NAMES = ['locked', 'etcd3', 'Go']
const ALL = ordersOf(PROCESSES)

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '20' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const count = Number(values.orders)
if (!Number.isSafeInteger(count) || count < 1 || count > ALL.length) {
  fail(`--orders must be a whole number from 1 to ${ALL.length}, was given ${values.orders}`)
}
if (values.only !== undefined && !NAMES.includes(values.only)) {
  fail(`--only must be one of ${NAMES.join(', ')}, was given ${values.only}`)
}
const orders = sampleOf(ALL, count)
const isWanted = (name: string) => values.only === undefined || values.only === name

using go = isWanted('Go') ? await goWhereItIs() : null
const contenders = [LOCKED, ETCD3, ...(go === null ? [] : [goContender(go.binary)])]
const tried = contenders.filter(({ name }) => isWanted(name))
const outcomes = new Map<string, Outcome[]>(tried.map(({ name }) => [name, []]))

await using etcd = await startEtcd()
for (const [index, order] of orders.entries()) {
  // They take turns, so that what disturbs the machine disturbs all.
  for (const contender of tried) {
    const name = `/rolling-update/${contender.name}-${process.pid}-${index}`
    const outcome = await rollingUpdate(contender, etcd.endpoint, name, order)
    outcomes.get(contender.name)?.push(outcome)
    console.error(
      `${index + 1} of ${orders.length}, ${contender.name}, ${order.join(' ')}: ${said(outcome)}`,
    )
  }
}
const etcdVersion = await versionOf(etcd.endpoint)
console.log(`${orders.length} orders; etcd ${etcdVersion}, Node.js ${process.version}\n`)
console.log(tableOf(tried))
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(Object.fromEntries(outcomes), null, 2)}\n`)
}

const broken = (outcomes.get(LOCKED.name) ?? []).filter(
  ({ leaders, vacancies, overlaps }) => leaders > 2 || vacancies > 0 || overlaps > 0,
)
if (broken.length > 0) {
  console.error(
    `rolling-update: ${broken.length} of ${orders.length} orders broke what is promised`,
  )
  process.exitCode = 1
}

function said({ leaders, vacancies, overlaps, longestGapMs }: Outcome): string {
  return `${leaders} leaders, ${vacancies} vacancies, ${overlaps} overlaps, ${longestGapMs.toFixed(1)} ms`
}

function tableOf(tried: readonly Contender[]): string {
  const head = [
    '',
    'leaders, mean',
    'leaders, most',
    'vacancies',
    'overlaps',
    'ms without a leader, median',
    'longest',
  ]
  const lines = tried.map(({ name }) => {
    const all = outcomes.get(name) ?? []
    const leaders = all.map((one) => one.leaders)
    const gaps = all.map(({ longestGapMs }) => longestGapMs).sort((one, other) => one - other)
    return [
      name,
      (sum(leaders) / all.length).toFixed(1),
      `${Math.max(...leaders)}`,
      `${sum(all.map(({ vacancies }) => vacancies))}`,
      `${sum(all.map(({ overlaps }) => overlaps))}`,
      (gaps[Math.floor(gaps.length / 2)] ?? 0).toFixed(1),
      (gaps.at(-1) ?? 0).toFixed(1),
    ]
  })
  return [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

async function versionOf(endpoint: string): Promise<string> {
  const response = await fetch(`http://${endpoint}/version`)
  const { etcdserver } = (await response.json()) as { readonly etcdserver: string }
  return etcdserver
}

function fail(message: string): never {
  console.error(`rolling-update: ${message}`)
  process.exit(2)
}
