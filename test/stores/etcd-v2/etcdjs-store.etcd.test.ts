import { afterAll, beforeAll } from 'vitest'
import { EtcdjsStore } from '../../../src/stores/etcd-v2/etcdjs-store.js'
import { etcdjs } from '../../etcd/etcdjs.js'
import { type Etcd, startEtcd } from '../../etcd/index.js'
import { V2Operator } from '../../etcd/v2-operator.js'
import { describeStore } from '../contract.js'

let etcd: Etcd
let operator: V2Operator

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true })
  operator = new V2Operator(etcd.endpoint)
})

afterAll(async () => {
  await etcd?.stop()
})

describeStore(
  'EtcdjsStore',
  async () => ({
    store: new EtcdjsStore(etcdjs([etcd.endpoint])),
    peer: new EtcdjsStore(etcdjs([etcd.endpoint], { json: true })),
    ttl: { shortest: 1, ample: 120 },
    operator: {
      put: (path, text) => operator.put(path, text),
      delete: async (path) => {
        await operator.delete(path)
      },
      revoke: () => Promise.reject(new Error('v2 has no leases')),
      compact: () => operator.compact(),
    },
    elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop: async () => {},
  }),
  { leasesAreLocal: true, keysExpireOneByOne: true, keysAreFiles: true },
)
