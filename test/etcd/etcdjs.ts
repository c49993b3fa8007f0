import { createRequire } from 'node:module'
import type { Etcdjs } from '../../src/stores/etcd-v2/client.js'

interface Options {
  /** Values are encoded as JSON on their way to etcd. */
  readonly json?: boolean
  /** In milliseconds. */
  readonly timeout?: number
}

interface Client extends Etcdjs {
  destroy(): void
}

const require = createRequire(import.meta.url)

/** The package itself, which has no types of its own. */
export const etcdjs: (hosts: string | readonly string[], options?: Options) => Client =
  require('etcdjs')
