import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Only what hangs takes so long, in milliseconds, on whatever machine. */
const HANGS_MS = 300_000

const patient = {
  testTimeout: HANGS_MS,
  hookTimeout: HANGS_MS,
  expect: { poll: { timeout: 120_000, interval: 20 } },
}

/** What is found by starting etcd and breaking it. */
const etcd = {
  ...patient,
  globalSetup: ['test/etcd/setup.ts'],
  maxWorkers: 3,
}

/** What computes all the time, or hardly at all: vitest would leave one of two processors idle. */
const computing = {
  ...patient,
  sequence: { groupOrder: 0 },
  maxWorkers: Math.max(2, availableParallelism() - 1),
}

/** Nothing but long computations. */
const MODEL = 'test/verification/model/*.test.ts'

/** What apps are built and run with, which is installed for these tests alone. */
const HOSTS = 'test/hosts/*.test.ts'

/** What needs a Docker engine whatever etcd runs on, and an image of Node.js: by `npm run test:docker`. */
const DOCKER =
  process.env.LOCKED_TEST_ETCD_FROM === 'docker' ? [] : ['test/**/*.docker.etcd.test.ts']

// A file for the results as JSON, besides what is printed.
const report = process.env.LOCKED_TEST_REPORT

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.etcd.test.ts', MODEL, HOSTS, '**/node_modules/**'],
          ...computing,
        },
      },
      {
        test: {
          name: 'model',
          include: [MODEL],
          ...computing,
        },
      },
      {
        test: {
          name: 'etcd',
          include: ['test/**/*.etcd.test.ts'],
          exclude: [HOSTS, ...DOCKER],
          sequence: { groupOrder: 1 },
          ...etcd,
        },
      },
      {
        test: {
          name: 'hosts',
          include: [HOSTS],
          sequence: { groupOrder: 3 },
          ...etcd,
        },
      },
      {
        // The same faults once more, for nodes that are given an etcdjs object.
        test: {
          name: 'etcdjs',
          include: ['connection', 'server', 'process', 'operator', 'retry'].map(
            (faults) => `test/faults/${faults}.etcd.test.ts`,
          ),
          env: { LOCKED_TEST_CLIENT: 'etcdjs' },
          sequence: { groupOrder: 2 },
          ...etcd,
        },
      },
    ],
  },
})
