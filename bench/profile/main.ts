// `npm run profile [-- --quick]`: whose functions run while 5,000 nodes are elected in one process and stopped,
// and what it would take if XState made by `Object.assign` what it spreads. Prints tables in Markdown.
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { startEtcd } from '../../test/etcd/index.js'
import { summarise } from '../statistics.js'
import { withoutSpread } from './without-spread.js'
import type { Worked } from './worker.js'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const [PATHS, ROUNDS] = values.quick ? [500, 1] : [5_000, 5]
const PHASES = { elected: 'elected', stopped: 'stopped, nobody waiting' } as const

const build = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const folders = { 'as installed': build, 'by Object.assign': withoutSpread(build) }
type Version = keyof typeof folders

/** In a process of its own, on an etcd of its own. */
async function run(version: Version, ...more: readonly string[]): Promise<Worked> {
  await using etcd = await startEtcd()
  const worker = join(folders[version], 'bench', 'profile', 'worker.js')
  const args = [worker, etcd.endpoint, String(PATHS), ...more]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Worked
}

const profiled = await run('as installed', '--profile')
console.log(`\n| whose functions | ${Object.values(PHASES).join(' | ')} |\n| --- | --- | --- |`)
for (const { whose } of profiled.elected.shares) {
  const cells = (['elected', 'stopped'] as const).map((phase) => {
    const share = profiled[phase].shares.find((one) => one.whose === whose)?.share ?? 0
    return `${(share * 100).toFixed(0)} %`
  })
  console.log(`| ${whose} | ${cells.join(' | ')} |`)
}

const versions = ['as installed', 'by Object.assign'] as const
const taken = new Map<Version, Worked[]>(versions.map((version) => [version, []]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const version of versions) taken.get(version)?.push(await run(version))
}
const figures: readonly (readonly [of: string, unit: string, (worked: Worked) => number])[] = [
  [PHASES.elected, 'ms', ({ elected }) => elected.ms],
  [PHASES.stopped, 'ms', ({ stopped }) => stopped.ms],
  ['memory of a leader', 'KB', ({ kb }) => kb],
]
console.log(
  `\n| ${PATHS.toLocaleString('en')} nodes, Node.js ${process.versions.node} | XState ${versions.join(' | ')} | ratio |`,
)
console.log('| --- | --- | --- | --- |')
for (const [of, unit, figure] of figures) {
  const [before = Number.NaN, after = Number.NaN] = versions.map(
    (version) => summarise((taken.get(version) ?? []).map(figure)).median,
  )
  const cells = [before, after].map(
    (one) => `${Number(one.toPrecision(3)).toLocaleString('en')} ${unit}`,
  )
  console.log(`| ${of} | ${cells.join(' | ')} | ${(after / before).toFixed(2)} |`)
}
