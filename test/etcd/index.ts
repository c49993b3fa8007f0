import type { Cluster, Etcd, EtcdOptions, Source } from './cluster.js'
import { startContainers } from './docker.js'
import { startProcesses } from './process.js'
import { etcdPrograms } from './programs.js'
import { useRunning } from './running.js'
import { findEtcd } from './source.js'

export type { Cluster, Etcd, EtcdOptions, Member, Source } from './cluster.js'
export { type EtcdPrograms, etcdPrograms } from './programs.js'

/** Starts an etcd of one member. Resolves once it is healthy. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const cluster = await startCluster(1, options)
  const [member] = cluster.members
  if (member === undefined) throw new Error('a cluster of one has no member')
  return Object.assign(member, {
    data: cluster.data,
    stop: cluster.stop,
    [Symbol.asyncDispose]: cluster.stop,
  })
}

/** Starts a cluster of its own. Resolves once every member is healthy. */
export async function startCluster(size: 1 | 3 = 1, options: EtcdOptions = {}): Promise<Cluster> {
  const source = await sourceFor(options)
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(source, size, options)
    } catch (error) {
      // Between its choice and its use, a free port may have been taken.
      if (attempt === 3 || options.clientPorts !== undefined || !isPortTaken(error)) throw error
    }
  }
}

async function start(source: Source, size: number, options: EtcdOptions): Promise<Cluster> {
  switch (source.from) {
    case 'running':
      return useRunning(source.endpoints, size, options)
    case 'docker':
      return await startContainers(source.image, size, options)
    case 'path':
    case 'package':
    case 'module':
    case 'image':
      return await startProcesses(source, size, options)
  }
}

async function sourceFor({ version, replaceable }: EtcdOptions): Promise<Source> {
  const current = await currentSource()
  const isOutOfReach = replaceable === true && current.from === 'docker'
  const asked = version ?? (isOutOfReach ? process.env.LOCKED_TEST_ETCD_VERSION || '3.4' : null)
  if (asked === null) return current
  const { from, version: found, etcd } = await etcdPrograms(asked)
  return { from, version: found, binary: etcd }
}

/** What the test run's setup found; outside a test run it is looked for here. */
async function currentSource(): Promise<Source> {
  if (process.env.VITEST === undefined) {
    found ??= findEtcd()
    return await found
  }
  const { inject } = await import('vitest')
  return inject('etcdSource')
}

let found: Promise<Source> | undefined

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated/.test(`${error}`)
}
