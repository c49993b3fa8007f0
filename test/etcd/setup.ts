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
  console.log(`etcd for the tests: ${describe(source)}`)
  project.provide('etcdSource', source)
}

function describe(source: Source): string {
  switch (source.from) {
    case 'running':
      return `${source.endpoints.join()}, which runs already`
    case 'docker':
      return `image ${source.image}`
    default:
      return `version ${source.version}, ${source.from} (${source.binary})`
  }
}
