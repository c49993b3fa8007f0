// `npm run test:raft-leader -- --tries 40 --etcd 3.5`: freezes raft leaders, thaws them when they are
// deposed, and cuts off whoever they answer (test/faults/deposed-*), so often for each combination of
// the freeze's length and the connection. Prints what came of it.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '40' },
    clusters: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    etcd: { type: 'string' },
  },
})
for (const option of ['tries', 'clusters', 'seed']) {
  if (!Number.isSafeInteger(Number(values[option])) || Number(values[option]) < 1) {
    console.error(
      `raft-leader: --${option} must be a whole number above 0, was given ${values[option]}`,
    )
    process.exit(2)
  }
}

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const args = ['run', 'test/faults/deposed', '--project=etcd', '--disable-console-intercept=true']
const { status } = spawnSync(process.execPath, [vitest, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    LOCKED_DEPOSED_TRIES: values.tries,
    LOCKED_DEPOSED_CLUSTERS: values.clusters,
    LOCKED_DEPOSED_TTL: '8',
    LOCKED_DEPOSED_SEED: values.seed,
    ...(values.etcd !== undefined && { LOCKED_TEST_ETCD_VERSION: values.etcd }),
  },
})
process.exit(status ?? 1)
