import { once } from 'node:events'
import { Etcd3, type Lease } from 'etcd3'
import { expect, onTestFinished, test } from 'vitest'
import { requestsByMethod } from '../../../bench/requests.js'
import locked from '../../../src/index.js'
import { memberEndpoint } from '../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../src/stores/etcd/etcd-store.js'
import { startEtcd } from '../../etcd/index.js'
import { startRelay } from '../../etcd/relay.js'
import { authOf, ROOT, withUsers } from '../../secure/users.js'

test('a session costs four requests per ttl, whatever the number of nodes', async () => {
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  const ttl = 4
  const locker = locked(etcd.endpoint)
  const nodes = Array.from({ length: 100 }, (_, index) =>
    locker(`/rest/${index}`, { value: index, ttl }),
  )
  await Promise.all(nodes.map((node) => node.start()))
  const [first] = nodes
  if (first === undefined) throw new Error('no node')
  // By the second it has been asked who waits.
  for (let renewals = 0; renewals < 2; renewals += 1) await once(first, 'refresh')
  const before = await requestsByMethod(etcd.endpoint)
  for (let renewals = 0; renewals < 2; renewals += 1) await once(first, 'refresh')
  const after = await requestsByMethod(etcd.endpoint)
  const made = Object.fromEntries(
    Object.entries(after)
      .map(([method, number]) => [method, number - (before[method] ?? 0)] as const)
      .filter(([, number]) => number > 0),
  )
  expect(made).toEqual({ LeaseKeepAlive: 2, Range: 2 })
  await locker.close()
})

test('a session that has only just been opened is renewed, however slow the network is', async () => {
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  const store = new EtcdStore([memberEndpoint({ secure: false, address: relay.endpoint }, {})])
  onTestFinished(() => store.closeIdle())
  const call = { timeoutMs: 60_000 }
  relay.delay(300)
  for (let times = 0; times < 3; times += 1) {
    const lease = await store.grant(60, call)
    expect(await store.renew(lease, call, ['/renewed'])).toBe(lease.ttlMs)
  }
})

test('a session goes on if one of its nodes may no longer read its path', async () => {
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  await withUsers(new Etcd3({ hosts: etcd.endpoint }), {
    both: { keys: ['/kept', '/lost', '/probe'] },
  })
  const locker = locked(etcd.endpoint, { auth: authOf('both') })
  const lost = locker('/lost', { value: 1, ttl: 12 })
  const kept = locker('/kept', { value: 2, ttl: 12 })
  const denied = once(lost, 'unreachable')
  await lost.start()
  await kept.start()
  const probe = await Probe.at('/probe', etcd.endpoint)
  const root = new Etcd3({ hosts: etcd.endpoint, auth: ROOT })
  onTestFinished(() => root.close())
  for (const key of ['/lost', '/probe'])
    await root.auth.roleRevokePermission({ role: 'both', key: Buffer.from(key) })
  const deselected: string[] = []
  kept.on('deselect', (reason) => deselected.push(reason))
  const isRenewed = await probe.isRenewed()
  // Newer releases renew no lease with a key that its user may not write: there is another session then.
  if (isRenewed) lost.propose(3)
  else await once(kept, 'select')
  // More than one validity: it has been renewed, and could not have been by asking for the lost path.
  for (let renewals = 0; renewals < 3; renewals += 1) await once(kept, 'refresh')
  expect(kept.isLeader).toBe(true)
  expect(deselected).toEqual(isRenewed ? [] : ['expired'])
  await denied
  await locker.close()
})

/** A lease of the user with a key that the user may write for now. */
class Probe {
  readonly #lease: Lease

  private constructor(lease: Lease) {
    this.#lease = lease
  }

  static async at(key: string, endpoint: string): Promise<Probe> {
    const client = new Etcd3({ hosts: endpoint, auth: authOf('both') })
    onTestFinished(() => client.close())
    const lease = client.lease(600, { autoKeepAlive: false })
    await lease.put(key).value('')
    return new Probe(lease)
  }

  /** Whether etcd renews it. */
  async isRenewed(): Promise<boolean> {
    return await this.#lease.keepaliveOnce().then(
      () => true,
      () => false,
    )
  }
}
