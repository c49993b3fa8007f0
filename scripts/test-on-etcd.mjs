// `npm run test:etcd -- v3.6`: runs the tests that need etcd, on the official image of that version
// if one is named (Docker must be there, and able to fetch it), else on the etcd that is found.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const REPOSITORY = 'quay.io/coreos/etcd'
/** The image for each minor version; a full version is used as it is. */
const LATEST = { 'v3.4': 'v3.4.37', 'v3.5': 'v3.5.21', 'v3.6': 'v3.6.1' }
/** The v2 API, and with it etcdjs, ended with 3.5. */
const WITHOUT_V2 = /^v3\.([6-9]|\d\d)/

const [first, ...rest] = process.argv.slice(2)
const isVersion = first !== undefined && /^v\d/.test(first)
if (isVersion && !/^v3\.\d+(\.\d+)?$/.test(first)) {
  console.error(`Expected a version such as v3.6 or v3.5.21, was given ${first}.`)
  process.exit(1)
}
const tag = isVersion ? (LATEST[first] ?? first) : null
const projects = tag !== null && WITHOUT_V2.test(tag) ? ['etcd'] : ['etcd', 'etcdjs']
const exclude = projects.length === 1 ? ['--exclude', 'test/stores/etcdjs*'] : []
const { status } = spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    ...exclude,
    ...(isVersion ? rest : process.argv.slice(2)),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(tag !== null && {
        LOCKED_TEST_ETCD_FROM: 'docker',
        LOCKED_TEST_ETCD_IMAGE: `${REPOSITORY}:${tag}`,
      }),
    },
  },
)
process.exit(status ?? 1)
