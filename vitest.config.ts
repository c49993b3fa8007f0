import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Only what hangs takes so long, in milliseconds, on whatever machine. */
const HANGS_MS = 300_000

/**
 * All projects together: what waits for etcd most of its time leaves the processors to what computes.
 * More at once than there are processors, for the same reason.
 */
const shared = {
  testTimeout: HANGS_MS,
  hookTimeout: HANGS_MS,
  expect: { poll: { timeout: 120_000, interval: 20 } },
  maxWorkers: availableParallelism() + 3,
}

const etcd = { ...shared, globalSetup: ['test/etcd/setup.ts'] }

/**
 * The longest computations first, so that no processor waits for one of them in the end; each beside
 * something else, which has the time that it leaves.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const computes = ({ project }: TestSpecification): boolean => project.name === 'model'
    const sorted = await super.sort(files)
    const others = sorted.filter((file) => !computes(file))
    const mixed = sorted.filter(computes).flatMap((file) => [file, ...others.splice(0, 1)])
    return [...mixed, ...others]
  }
}

/** Nothing but long computations. */
const MODEL = 'test/verification/model/*.test.ts'

/** What apps are built and run with, which is installed for these tests alone. */
const HOSTS = 'test/hosts/*.etcd.test.ts'
/** The same for their types, which need no etcd. */
const COMPILERS = 'test/hosts/compilers.test.ts'

/** What needs a Docker engine whatever etcd runs on, and an image of Node.js: by `npm run test:docker`. */
const DOCKER =
  process.env.LOCKED_TEST_ETCD_FROM === 'docker' ? [] : ['test/**/*.docker.etcd.test.ts']

/** etcd's v2 API, and with it etcdjs, ended with 3.5. */
const hasV2 = !/^3\.([6-9]|\d\d)/.test(process.env.LOCKED_TEST_ETCD_VERSION ?? '')
const V2 = hasV2 ? [] : ['test/stores/etcd-v2/**']

// A file for the results as JSON, besides what is printed.
const report = process.env.LOCKED_TEST_REPORT

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.etcd.test.ts', MODEL, COMPILERS, '**/node_modules/**'],
          ...shared,
        },
      },
      {
        test: {
          name: 'model',
          include: [MODEL],
          ...shared,
        },
      },
      {
        test: {
          name: 'etcd',
          include: ['test/**/*.etcd.test.ts'],
          exclude: [HOSTS, ...DOCKER, ...V2],
          ...etcd,
        },
      },
      {
        test: {
          name: 'hosts',
          include: [HOSTS],
          ...etcd,
        },
      },
      {
        test: {
          name: 'compilers',
          include: [COMPILERS],
          ...shared,
        },
      },
      {
        // The same faults once more, for nodes that are given an etcdjs object.
        test: {
          name: 'etcdjs',
          include: ['connection', 'server', 'process', 'operator', 'retry'].map(
            (faults) => `test/faults/${faults}.etcd.test.ts`,
          ),
          exclude: hasV2 ? [] : ['**'],
          env: { LOCKED_TEST_CLIENT: 'etcdjs' },
          ...etcd,
        },
      },
    ],
  },
})
