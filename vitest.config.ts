import { defineConfig } from 'vitest/config'

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
          exclude: ['test/**/*.etcd.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'etcd',
          include: ['test/**/*.etcd.test.ts'],
          globalSetup: ['test/etcd/setup.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          retry: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
