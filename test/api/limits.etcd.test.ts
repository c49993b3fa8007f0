import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type LockedNode, locked, TooLargeError } from '../../src/index.js'
import { type EtcdOptions, startEtcd } from '../etcd/index.js'
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

test('without space a leader goes on, over the same connection, and writes when there is some', async () => {
  const etcd = await etcdWith('--quota-backend-bytes=1000000')
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  const operator = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => operator.close())
  const locker = locked(relay.endpoint)
  onTestFinished(() => locker.close())
  const leader = locker('/leader', { id: 'leader', value: 'before', ttl: 5 })
  const errors: Error[] = []
  leader.on('error', (error) => errors.push(error))
  await leader.start()
  const writer = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => writer.close())
  const full = async () => {
    for (;;) await writer.put('/filler').value('x'.repeat(100_000))
  }
  await expect(full()).rejects.toThrow(/database space exceeded/)
  const { opened } = relay
  const told = once(leader, 'unreachable')
  const proposing = leader.propose('after')
  expect((await told)[0].message).toMatch(/database space exceeded/)
  await once(leader, 'unreachable')
  expect(leader.isLeader).toBe(true)
  expect(relay.opened).toBe(opened)
  const { header } = await operator.get('/filler').exec()
  await operator.kv.compact({ revision: header.revision, physical: true })
  await operator.maintenance.defragment()
  const { alarms } = await operator.maintenance.alarm({ action: 'Get' })
  for (const { memberID } of alarms) {
    await operator.maintenance.alarm({ action: 'Deactivate', alarm: 'Nospace', memberID })
  }
  await proposing
  expect(await leader.value()).toBe('after')
  expect(errors).toEqual([])
})
