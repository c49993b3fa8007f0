import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { memberEndpoint } from '../../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../../src/stores/etcd/etcd-store.js'
import { Random } from '../../../../verification/random.js'
import { startEtcd } from '../../../etcd/index.js'
import { now } from '../../../faults/now.js'
import { Starvation } from '../../../load/starvation.js'
import { PATIENCE_MS } from '../../../patience.js'

const ROUNDS = 12
const STORES = 12
const SECONDS = 600
/** An answer that is this late has its connection doubted, in milliseconds. */
const DOUBTED_AFTER_MS = 250
const CALL = { timeoutMs: PATIENCE_MS }

vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

test('no request is given up for being late where etcd has only stood still for a while', async () => {
  const seed = Number(process.env.LOCKED_TEST_LATE_SEED ?? Date.now() % 2 ** 31)
  const random = new Random(seed)
  const etcd = await startEtcd({ own: true })
  onTestFinished(() => etcd.stop())
  const endpoint = memberEndpoint({ address: etcd.endpoint, secure: false }, {})
  const stores = Array.from({ length: STORES }, () => new EtcdStore([endpoint]))
  onTestFinished(() => {
    for (const store of stores) store.closeIdle()
  })
  const leases = await Promise.all(stores.map((store) => store.grant(SECONDS, CALL)))

  using starvation = new Starvation()
  for (let round = 0; round < ROUNDS; round += 1) {
    const stillMs = random.between(200, 1_500)
    await etcd.pause()
    const claims = stores.map(async (store, index) => {
      const lease = leases[index]
      if (lease === undefined) throw new Error('it has a lease')
      return await store.claim(`/late/${round}/${index}`, 'x'.repeat(200_000), lease, CALL)
    })
    const settled = Promise.allSettled(claims)
    await sleep(stillMs)
    await etcd.resume()
    const resumedAt = now()
    const reasons = (await settled).flatMap((one) => (one.status === 'rejected' ? one.reason : []))
    // On a machine that keeps etcd from answering for as long, it has not only stood still.
    if (starvation.between(resumedAt, now()) > DOUBTED_AFTER_MS) continue
    // gRPC's pings may end a connection where a busy machine takes longer than that.
    const given = reasons.filter(({ message }) => /another has taken its place/.test(message))
    expect(given, `seed ${seed}: etcd stood still for ${stillMs} ms`).toEqual([])
  }
})
