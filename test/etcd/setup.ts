import type { TestProject } from 'vitest/node'
import type { Source } from './cluster.js'
import { findEtcd } from './source.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where this run's etcd comes from. */
    etcdSource: Source
  }
}

/** Runs once before the tests that need etcd, and fails them all if there is none. */
export default async function setup(project: TestProject): Promise<void> {
  const source = await findEtcd()
  const { from, ...rest } = source
  console.log(`etcd for the tests: ${from} (${Object.values(rest).join()})`)
  project.provide('etcdSource', source)
}
