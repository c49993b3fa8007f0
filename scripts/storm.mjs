// `npm run storm -- --minutes 30 --seed N [--peer etcd3] [--etcd 3.5]`: the storm of test/faults for as
// long as one likes. Prints the seed, the faults that it made and what the checker found.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    peer: { type: 'string', default: 'locked' },
    etcd: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  console.log(`npm run storm -- [options]

  --minutes <number>        how long faults go on; 1 if not given
  --seed <number>           which faults; a random one if not given, which is printed
  --peer <locked|etcd3>     whose election is tried; locked if not given
  --etcd <version>          which etcd: 3.4 or 3.5; the one of the tests if not given
  --verbose                 name each fault as it begins`)
  process.exit(0)
}

const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0)) fail(`--minutes must be a number above 0, was given ${values.minutes}`)
if (!Number.isSafeInteger(seed)) fail(`--seed must be a whole number, was given ${values.seed}`)
if (!['locked', 'etcd3'].includes(values.peer)) {
  fail(`--peer must be locked or etcd3, was given ${values.peer}`)
}

const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
  stdio: 'inherit',
})
if (built.status !== 0) process.exit(built.status ?? 1)

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const args = ['run', 'test/faults/storm', '--project=etcd', '--disable-console-intercept=true']
const { status } = spawnSync(process.execPath, [vitest, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    LOCKED_STORM_SECONDS: String(Math.round(minutes * 60)),
    LOCKED_STORM_SEED: String(seed),
    LOCKED_STORM_PEER: values.peer,
    ...(values.etcd !== undefined && { LOCKED_TEST_ETCD_VERSION: values.etcd }),
    ...(values.verbose ? { LOCKED_STORM_LOG: '1' } : {}),
  },
})
process.exit(status ?? 1)

function fail(message) {
  console.error(`storm: ${message}`)
  process.exit(2)
}
