import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CallOptions, InterceptingCall, type Interceptor } from '@grpc/grpc-js'
import { ConsecutiveBreaker, circuitBreaker, handleAll, noop, retry } from 'cockatiel'
import { Etcd3, type IOptions } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { locked, type NodeOptions } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd({ own: true })
})

afterAll(() => etcd?.stop())

describe('an existing client', () => {
  test('is used, and not closed: what its owner does with it goes on', async () => {
    const client = connect()
    const watcher = await client.watch().key('/theirs').create()
    const lease = client.lease(2)
    await lease.put('/leased').value('theirs')
    const lost = once(lease, 'lost').then(() => 'lost')

    const [leader, follower] = [nodeOf(client, { id: 'a' }), nodeOf(client, { id: 'b' })]
    await leader.start()
    expect(leader.isLeader).toBe(true)
    await follower.start()
    expect(await follower.id()).toBe('a')
    const selected = once(follower, 'select')
    await leader.stop()
    await selected
    await follower.stop()

    const seen = once(watcher, 'put')
    await client.put('/theirs').value('still there')
    const [kv] = await seen
    expect(kv.value.toString()).toBe('still there')
    const kept = once(lease, 'keepaliveSucceeded').then(() => 'kept')
    expect(await Promise.race([kept, lost])).toBe('kept')
    expect(await client.get('/leased').string()).toBe('theirs')
    await watcher.cancel()
    await lease.revoke()
  })

  test('is used again by a node that starts again', async () => {
    const node = nodeOf(connect())
    await node.start()
    await node.stop()
    await node.start()
    expect(node.isLeader).toBe(true)
    await node.stop()
  })

  test('writes into its namespace, and hears of nothing outside of it', async () => {
    const client = connect()
    const node = nodeOf(client.namespace('app/'), { path: 'leader' })
    const outside = nodeOf(client, { path: 'leader', id: 'outside' })
    await Promise.all([node.start(), outside.start()])
    expect(node.isLeader && outside.isLeader).toBe(true)
    expect(JSON.parse((await client.get('app/leader').string()) ?? '')).toMatchObject({
      id: 'node',
    })
    await node.guard().then(client.namespace('app/').put('guarded').value('yes')).commit()
    expect(await client.get('app/guarded').string()).toBe('yes')
    const vacant = once(node, 'vacant')
    await client.delete().key('app/leader')
    await vacant
    expect(outside.isLeader).toBe(true)
    await Promise.all([node.stop(), outside.stop()])
    expect(await client.get('app/leader')).toBeNull()
  })

  test('keeps many paths in its namespace apart, as others do in theirs', async () => {
    const client = connect()
    const lockers = ['one/', 'two/'].map((name) => locked(client.namespace(name)))
    const nodes = lockers.flatMap((locker, index) =>
      Array.from({ length: 12 }, (_, path) => locker(`/many/${path}`, { value: index })),
    )
    await Promise.all(nodes.map((node) => node.start()))
    expect(nodes.every(({ isLeader }) => isLeader)).toBe(true)
    const changed = Promise.all(nodes.map((node) => once(node, 'change')))
    nodes.forEach((node, index) => {
      node.propose(`proposed ${index}`)
    })
    expect(await changed).toEqual(nodes.map((_, index) => [`proposed ${index}`, expect.anything()]))
    await Promise.all(lockers.map((locker) => locker.close()))
  })

  test('keeps its own fault handling, and a node on it comes back after it has failed', async () => {
    const relay = await startRelay(etcd.endpoint)
    onTestFinished(() => relay.stop())
    let tripped = 0
    const client = connect(
      {
        faultHandling: {
          host: () => {
            const breaker = circuitBreaker(handleAll, {
              halfOpenAfter: 500,
              breaker: new ConsecutiveBreaker(2),
            })
            breaker.onBreak(() => {
              tripped += 1
            })
            return breaker
          },
          global: retry(handleAll, { maxAttempts: 2 }),
        },
      },
      relay.endpoint,
    )
    const node = nodeOf(client, { ttl: 2 })
    await node.start()
    const deselected = once(node, 'deselect')
    await relay.cut()
    await deselected
    await expect.poll(() => tripped).toBeGreaterThan(0)
    const selected = once(node, 'select')
    await relay.heal()
    await selected
    await node.stop()
  })

  test('keeps its own call options: its interceptors see every call, and its deadline is no stream’s', async () => {
    const seen = new Set<string>()
    const spy: Interceptor = (options, nextCall) => {
      seen.add(options.method_definition.path)
      return new InterceptingCall(nextCall(options))
    }
    // A deadline that would end a stream before the renewals below have come.
    const defaultCallOptions = (): CallOptions => ({
      interceptors: [spy],
      deadline: Date.now() + 4_000,
    })
    const client = connect({ defaultCallOptions })
    const node = nodeOf(client, { ttl: 6 })
    const unreachable: Error[] = []
    node.on('unreachable', (error) => unreachable.push(error))
    await node.start()
    for (let renewals = 0; renewals < 2; renewals += 1) await once(node, 'refresh')
    const changed = once(node, 'change')
    node.propose('proposed')
    await changed
    await node.stop()
    expect(unreachable).toEqual([])
    expect([...seen].sort()).toEqual([
      '/etcdserverpb.KV/Range',
      '/etcdserverpb.KV/Txn',
      '/etcdserverpb.Lease/LeaseGrant',
      '/etcdserverpb.Lease/LeaseKeepAlive',
      '/etcdserverpb.Lease/LeaseRevoke',
      '/etcdserverpb.Watch/Watch',
    ])
  })

  test('may come from another copy of the package', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'locked-etcd3-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { Etcd3: Other } = copyOfEtcd3(folder)
    expect(Other).not.toBe(Etcd3)
    const client = new Other({ hosts: `http://${etcd.endpoint}` })
    onTestFinished(() => client.close())
    for (const given of [client, client.namespace('other/')]) {
      const node = nodeOf(given)
      await node.start()
      expect(node.isLeader).toBe(true)
      await node.stop()
    }
    await client.put('/after').value('still open')
  })
})

function connect(options: Omit<IOptions, 'hosts'> = {}, endpoint = etcd.endpoint): Etcd3 {
  const client = new Etcd3({
    faultHandling: { host: () => noop, global: noop },
    ...options,
    hosts: `http://${endpoint}`,
  })
  onTestFinished(() => client.close())
  return client
}

function nodeOf(
  client: Parameters<typeof locked>[0],
  { path = '/existing', id = 'node', ttl = 5 }: Partial<NodeOptions & { path: string }> = {},
) {
  const node = locked(client)(path, { id, value: id, ttl })
  onTestFinished(() => node.stop())
  return node
}

/** etcd3 once more, and the gRPC that it uses, from files of their own. */
function copyOfEtcd3(folder: string): typeof import('etcd3') {
  const require = createRequire(import.meta.url)
  const installed = dirname(dirname(require.resolve('etcd3/package.json')))
  const copied = ['etcd3', '@grpc']
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(installed)) {
    const [source, target] = [join(installed, name), join(folder, 'node_modules', name)]
    if (copied.includes(name)) cpSync(source, target, { recursive: true })
    else symlinkSync(source, target, 'junction')
  }
  return createRequire(join(folder, 'x.js'))('etcd3')
}
