import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Cluster, startCluster } from './index.js'

describe.each([1, 3] as const)('the data of a cluster of %i', (size) => {
  test('are gone after an erasure, on the same ports and under the same id', async () => {
    const cluster = await start(size)
    const before = await write(cluster, 'a', '1')
    await replace(cluster, () => cluster.data.erase())
    const after = await read(cluster, 'a')
    expect(after).toMatchObject({ value: null, clusterId: before.clusterId })
    expect(after.revision).toBeLessThan(before.revision)
  })

  test('are those of the backup after it was restored, leases included', async () => {
    const cluster = await start(size)
    const client = connectTo(cluster)
    const { ID } = await client.leaseClient.leaseGrant({ TTL: 60 })
    await client.put('a').value('kept').lease(ID)
    const backup = await cluster.data.save()
    const before = await write(cluster, 'a', 'lost')
    await replace(cluster, () => cluster.data.restore(backup))
    const after = await read(cluster, 'a')
    expect(after).toMatchObject({ value: 'kept', clusterId: before.clusterId, lease: ID })
    expect(after.revision).toBeLessThan(before.revision)
  })

  test('can come under another id', async () => {
    const cluster = await start(size)
    const { clusterId } = await write(cluster, 'a', '1')
    const backup = await cluster.data.save()
    await replace(cluster, () => cluster.data.restore(backup, { cluster: 'another' }))
    const restored = await read(cluster, 'a')
    expect(restored.value).toBe('1')
    await replace(cluster, () => cluster.data.erase({ cluster: 'another' }))
    const erased = await read(cluster, 'a')
    expect(new Set([clusterId, restored.clusterId, erased.clusterId]).size).toBe(3)
  })
})

test('a restored backup can have a higher revision, with all before it compacted', async () => {
  const cluster = await start(1, '3.5')
  const before = await write(cluster, 'a', '1')
  const backup = await cluster.data.save()
  await replace(cluster, () => cluster.data.restore(backup, { bumpBy: 1_000 }))
  const after = await read(cluster, 'a')
  expect(after.value).toBe('1')
  expect(after.revision).toBeGreaterThan(before.revision + 900)
  const old = connectTo(cluster).get('a').revision(before.revision)
  await expect(old).rejects.toThrow(/compacted/)
})

test('data are not touched under a member that runs', async () => {
  const cluster = await start(1)
  await expect(cluster.data.erase()).rejects.toThrow(/kill .* first/)
})

async function start(size: 1 | 3, version?: string): Promise<Cluster> {
  const cluster = await startCluster(size, { replaceable: true, ...(version && { version }) })
  onTestFinished(cluster.stop)
  return cluster
}

async function replace({ members }: Cluster, act: () => Promise<void>): Promise<void> {
  await Promise.all(members.map((member) => member.kill()))
  await act()
  await Promise.all(members.map((member) => member.start()))
}

async function write(cluster: Cluster, key: string, value: string) {
  await connectTo(cluster).put(key).value(value)
  return await read(cluster, key)
}

async function read(cluster: Cluster, key: string) {
  const { header, kvs } = await connectTo(cluster).get(key).exec()
  return {
    value: kvs[0]?.value.toString() ?? null,
    lease: kvs[0]?.lease,
    revision: Number(header.revision),
    clusterId: header.cluster_id,
  }
}

function connectTo({ endpoints }: Cluster): Etcd3 {
  const client = new Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) })
  onTestFinished(() => client.close())
  return client
}
