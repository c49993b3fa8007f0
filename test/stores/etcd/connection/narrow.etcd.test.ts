import { expect, onTestFinished, test, vi } from 'vitest'
import { memberEndpoint } from '../../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../../src/stores/etcd/etcd-store.js'
import { Random } from '../../../../verification/random.js'
import { startEtcd } from '../../../etcd/index.js'
import { startRelay } from '../../../etcd/relay.js'
import { PATIENCE_MS } from '../../../patience.js'

const LINKS = 6
const CALL = { timeoutMs: PATIENCE_MS }

vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

test('no request is given up for being late while answers to others get through', async () => {
  const seed = Number(process.env.LOCKED_TEST_NARROW_SEED ?? Date.now() % 2 ** 31)
  const random = new Random(seed)
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())

  /** Reads over a narrow link, all at once. */
  const read = async (link: number, bytes: number) => {
    // An answer gets through in 100 ms at most, and all of them in some seconds.
    const relay = await startRelay(etcd.endpoint, {
      bytesPerSecond: bytes * random.between(10, 30),
    })
    const store = new EtcdStore([memberEndpoint({ address: relay.endpoint, secure: false }, {})])
    try {
      const lease = await store.grant(600, CALL)
      const path = `/narrow/${link}`
      await store.claim(path, 'x'.repeat(bytes), lease, CALL)
      const reads = Array.from({ length: random.between(50, 100) }, () => store.read(path, CALL))
      const all = await Promise.allSettled(reads)
      return all.flatMap((one) => (one.status === 'rejected' ? String(one.reason) : []))
    } finally {
      store.closeIdle()
      await relay.stop()
    }
  }

  const links = Array.from({ length: LINKS }, (_, link) =>
    read(link, random.between(2_000, 10_000)),
  )
  expect((await Promise.all(links)).flat(), `seed ${seed}`).toEqual([])
})
