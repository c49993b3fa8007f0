import { Etcd3 } from 'etcd3'
import { expect, onTestFinished, test } from 'vitest'
import { startCluster } from './index.js'
import { createPeers } from './peers.js'

test.for(['vanish', 'reset'] as const)(
  'a member that is cut off from its peers (%s) cannot write; the others can; after healing all can',
  async (how) => {
    const peers = createPeers()
    onTestFinished(() => peers.stop())
    const cluster = await startCluster(3, {
      advertisePeer: (target, host) => peers.advertise(target, host),
    })
    onTestFinished(cluster.stop)
    const [whole, lonely] = cluster.endpoints.map((endpoint) => connectTo(endpoint))
    if (whole === undefined || lonely === undefined) throw new Error('three members were asked for')
    const { members } = await whole.cluster.memberList({})
    peers.cutOff(members.find(({ name }) => name === 'member1')?.ID ?? '', how)
    const silenced = write(lonely)
    // The rest may have to elect a raft leader first.
    await expect.poll(() => write(whole)).toBe(true)
    expect(await Promise.race([silenced, later(2_000, 'silence')])).not.toBe(true)

    peers.heal()
    await expect.poll(() => write(lonely)).toBe(true)
  },
)

async function write(client: Etcd3): Promise<boolean> {
  try {
    await client.put('a').value('1')
    return true
  } catch {
    return false
  }
}

function connectTo(endpoint: string): Etcd3 {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  onTestFinished(() => client.close())
  return client
}

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms))
}
