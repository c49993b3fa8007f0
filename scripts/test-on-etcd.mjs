// `npm run test:etcd -- 3.5 [arguments for vitest]`: runs the tests that need etcd on that version,
// which is got if it is not there (test/etcd/programs.ts), or without one on the etcd that is found.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

const [first, ...rest] = process.argv.slice(2)
const version = /^v?(\d.*)$/.exec(first ?? '')?.[1]
if (version !== undefined && !/^3\.\d+(\.\d+)?$/.test(version)) {
  console.error(`Expected a version such as 3.5 or 3.5.30, was given ${first}.`)
  process.exit(1)
}
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--project',
    'etcd',
    '--project',
    'etcdjs',
    '--project',
    'hosts',
    ...(version === undefined ? process.argv.slice(2) : rest),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(version !== undefined && { LOCKED_TEST_ETCD_VERSION: version }),
    },
  },
)
process.exit(status ?? 1)
