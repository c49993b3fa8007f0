import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type LockedNode, locked, TooLargeError } from '../../src/index.js'
import { type Etcd, type EtcdOptions, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'

const NODES = 300

async function etcdWith(...extraArgs: readonly string[]) {
  const options: EtcdOptions = { extraArgs }
  const etcd = await startEtcd(options)
  onTestFinished(() => etcd.stop())
  return etcd
}

/** Many nodes of one locker, and what they tell that is not as it should be. */
function many(endpoint: string, prefix: string, value: string, count = NODES) {
  const locker = locked(endpoint)
  onTestFinished(() => locker.close())
  const nodes = Array.from({ length: count }, (_, index) =>
    locker(`${prefix}${index}`, { value, ttl: 60 }),
  )
  const trouble: Error[] = []
  for (const node of nodes) {
    node.on('unreachable', (error) => trouble.push(error))
    node.on('error', (error) => trouble.push(error))
  }
  return { locker, nodes, trouble, start: () => Promise.all(nodes.map((node) => node.start())) }
}

const selected = (nodes: readonly LockedNode[]) =>
  Promise.all(nodes.map((node) => once(node, 'select')))

test.each([100, 32, 5])('%i operations in a transaction are enough for 300 nodes', async (most) => {
  const { endpoint } = await etcdWith(`--max-txn-ops=${most}`)
  const prefix = `/${randomUUID()}/`
  const [ours, theirs] = [many(endpoint, prefix, 'ours'), many(endpoint, prefix, 'theirs')]
  await ours.start()
  expect(ours.nodes.every(({ isLeader }) => isLeader)).toBe(true)
  await theirs.start()
  await Promise.all(ours.nodes.map((node) => node.propose('proposed')))
  const over = selected(theirs.nodes)
  await ours.locker.close()
  await over
  await theirs.locker.close()
  expect([...ours.trouble, ...theirs.trouble]).toEqual([])
})

test('requests of 20,000 bytes are enough for 300 nodes', async () => {
  const { endpoint } = await etcdWith('--max-request-bytes=20000')
  const nodes = many(endpoint, `/${randomUUID()}/`, 'x'.repeat(1_000))
  await nodes.start()
  expect(nodes.nodes.every(({ isLeader }) => isLeader)).toBe(true)
  await Promise.all(nodes.nodes.map((node) => node.propose('y'.repeat(1_000))))
  await nodes.locker.close()
  expect(nodes.trouble).toEqual([])
})

describe('a value that is too large for etcd', () => {
  // Below gRPC’s own limit at the server, and above it.
  test.each([1_700_000, 3_000_000])(
    'of %i bytes is refused, and the one before stays',
    async (size) => {
      const { endpoint } = await etcdWith()
      const path = `/${randomUUID()}`
      const [first, second] = [locked(endpoint), locked(endpoint)]
      onTestFinished(async () => {
        await Promise.all([first.close(), second.close()])
      })
      const leader = first(path, { id: 'leader', value: 'before' })
      const follower = second(path, { id: 'follower', value: 'waiting' })
      const told: unknown[] = []
      for (const node of [leader, follower]) {
        for (const event of ['error', 'unreachable', 'deselect'] as const) {
          node.on(event, (...args: unknown[]) => told.push(args))
        }
      }
      await leader.start()
      await follower.start()
      const tooLarge = 'x'.repeat(size)
      await expect(leader.propose(tooLarge)).rejects.toBeInstanceOf(TooLargeError)
      await expect(follower.propose(tooLarge)).rejects.toBeInstanceOf(TooLargeError)
      expect(leader.isLeader).toBe(true)
      expect(await follower.value()).toBe('before')
      const changed = once(follower, 'change')
      await leader.propose('after')
      expect(await changed).toEqual(['after', 'leader'])
      expect(told).toEqual([])
      const over = once(follower, 'select')
      await leader.stop()
      expect(await over).toEqual(['waiting'])
    },
  )
})

test('a propose resolves once it is written, or remembered', async () => {
  const { endpoint } = await etcdWith()
  const locker = locked(endpoint)
  onTestFinished(() => locker.close())
  const node = locker(`/${randomUUID()}`, { value: 1 })
  await node.propose(2)
  await node.start()
  expect(await node.value()).toBe(2)
  await node.propose(3)
  expect(await node.value()).toBe(3)
})

describe('without space', () => {
  let etcd: Etcd
  let operator: Etcd3

  beforeEach(async () => {
    etcd = await etcdWith('--quota-backend-bytes=1000000')
    operator = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    onTestFinished(() => operator.close())
  })

  async function fill(): Promise<void> {
    const writer = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    const full = async () => {
      for (;;) await writer.put('/filler').value('x'.repeat(100_000))
    }
    await expect(full()).rejects.toThrow(/database space exceeded/)
    writer.close()
  }

  async function makeRoom(): Promise<void> {
    const { header } = await operator.get('/filler').exec()
    await operator.kv.compact({ revision: header.revision, physical: true })
    await operator.maintenance.defragment()
    const { alarms } = await operator.maintenance.alarm({ action: 'Get' })
    for (const { memberID } of alarms) {
      await operator.maintenance.alarm({ action: 'Deactivate', alarm: 'Nospace', memberID })
    }
  }

  /** A node of its own, behind a relay of its own. */
  async function competing(id: string, ttl: number) {
    const relay = await startRelay(etcd.endpoint)
    onTestFinished(() => relay.stop())
    const locker = locked(relay.endpoint)
    onTestFinished(() => locker.close())
    const node = locker('/leader', { id, value: `value of ${id}`, ttl })
    node.on('error', (error) => expect.unreachable(error.message))
    return { relay, node }
  }

  async function untilTold(node: LockedNode): Promise<void> {
    for (;;) {
      const [error] = await once(node, 'unreachable')
      if (/database space exceeded/.test(error.message)) return
    }
  }

  test('a leader goes on, over the same connection, and writes when there is some', async () => {
    const { relay, node: leader } = await competing('leader', 5)
    await leader.start()
    await fill()
    const { opened } = relay
    const told = untilTold(leader)
    const proposing = leader.propose('after')
    await told
    await once(leader, 'unreachable')
    expect(leader.isLeader).toBe(true)
    expect(relay.opened).toBe(opened)
    await makeRoom()
    await proposing
    expect(await leader.value()).toBe('after')
  })

  test('a node that starts is unreachable, and is elected when there is some', async () => {
    await fill()
    const { node } = await competing('late', 5)
    const told = untilTold(node)
    const starting = node.start()
    await told
    await makeRoom()
    await starting
    expect(node.isLeader).toBe(true)
  })

  test('a follower whose session has ended opens another when there is some', async () => {
    const { node: leader } = await competing('leader', 60)
    const { relay, node: follower } = await competing('follower', 2)
    await leader.start()
    await follower.start()
    await fill()
    const { leases } = await operator.leaseClient.leaseLeases()
    await relay.cut()
    const left = async () => (await operator.leaseClient.leaseLeases()).leases.length
    await expect.poll(left).toBe(leases.length - 1)
    await relay.heal()
    await untilTold(follower)
    expect(leader.isLeader).toBe(true)
    await makeRoom()
    await expect.poll(async () => (await leader.candidates()).length).toBe(2)
    const selected = once(follower, 'select')
    await leader.stop()
    await selected
  })

  test('a leader that stops vacates the path, and whoever waits is elected when there is some', async () => {
    const { node: leader } = await competing('leader', 60)
    const { node: follower } = await competing('follower', 60)
    await leader.start()
    await follower.start()
    await fill()
    const told = untilTold(follower)
    await leader.stop()
    expect(await operator.get('/leader')).toBe(null)
    await told
    const selected = once(follower, 'select')
    await makeRoom()
    await selected
  })
})
