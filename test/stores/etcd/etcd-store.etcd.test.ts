import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll } from 'vitest'
import { type Endpoint, memberEndpoint } from '../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../src/stores/etcd/etcd-store.js'
import { type Etcd, startEtcd } from '../../etcd/index.js'
import { describeCandidates } from '../candidates-contract.js'
import { describeStore, type StoreUnderTest } from '../contract.js'

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: etcd.endpoint })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

const make = async (): Promise<StoreUnderTest> => ({
  store: new EtcdStore([endpointOf(etcd)]),
  peer: new EtcdStore([endpointOf(etcd)]),
  // etcd grants no less than one and a half election timeouts, in whole seconds: 2 s by default.
  ttl: { shortest: 1, ample: 120 },
  operator: {
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
  },
  elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  // The suite rests both stores, and a store at rest has nothing open.
  stop: async () => {},
})

describeStore('EtcdStore', make)
describeCandidates('EtcdStore', make)

/** As `locked` opens it: a client of etcd3’s own has a circuit breaker. */
function endpointOf({ endpoint }: Etcd): Endpoint {
  return memberEndpoint({ secure: false, address: endpoint }, {})
}
