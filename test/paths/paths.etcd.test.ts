import { setTimeout as pass } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll } from 'vitest'
import { EtcdStore } from '../../src/stores/etcd/etcd-store.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { PATIENCE_MS } from '../patience.js'
import type { Server } from './scene.js'
import { describePaths } from './suite.js'

let etcd: Etcd
let client: Etcd3
let server: Server
const stores: EtcdStore[] = []

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: etcd.endpoint })
  server = {
    store: connect(),
    peer: connect(),
    put: async (path, text) => {
      await client.put(path).value(text)
    },
    delete: async (path) => {
      await client.delete().key(path)
    },
    revoke: async (leaseId) => {
      await client.leaseClient.leaseRevoke({ ID: leaseId })
    },
    compact: async () => {
      const { header } = await client.kv.range({ key: Buffer.from('any'), keys_only: true })
      await client.kv.compact({ revision: header.revision, physical: true })
    },
    // An etcd of its own for each path, to be wiped and started again, would take hours. So what one
    // path has there goes, and how EtcdStore learns of a replaced history is left to other tests.
    lose: async (path) => {
      const { kvs } = await client.kv.range({ key: Buffer.from(path) })
      await client.delete().key(path)
      for (const { lease } of kvs) {
        if (lease !== '0') await client.leaseClient.leaseRevoke({ ID: lease })
      }
    },
    settle: () => pass(1),
    patienceMs: PATIENCE_MS,
  }
})

afterAll(async () => {
  for (const store of stores) store.closeIdle()
  client?.close()
  await etcd?.stop()
})

describePaths('etcd', () => server, { shortest: 'covering' })

function connect(): EtcdStore {
  const { endpoint } = etcd
  const store = new EtcdStore([
    {
      name: endpoint,
      open: async () => new Etcd3({ hosts: endpoint }),
      close: (opened) => {
        if (opened instanceof Etcd3) opened.close()
      },
    },
  ])
  stores.push(store)
  return store
}
