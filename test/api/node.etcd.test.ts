import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import locked, { type Hosts, type Json, type Locker, NotLeaderError } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { freePort } from '../etcd/ports.js'

let etcd: Etcd
let client: Etcd3
let path: string

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

beforeEach(() => {
  path = randomUUID()
})

describe('a node on etcd', () => {
  test('is elected, tells everybody its value, and hands over when it stops', async () => {
    const [a, b] = [
      lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 }),
      lockerOn([etcd.endpoint])(path, { id: 'b', value: { x: 1 } }),
    ]
    const changed = once(a, 'change')
    const selected = [once(a, 'select'), once(a, 'selected')]
    await a.start()
    expect(await changed).toEqual([10, 'a'])
    expect(await Promise.all(selected)).toEqual([[10], [10]])
    expect(a.isLeader).toBe(true)
    const { kvs } = await client.get(path).exec()
    expect(String(a.token)).toBe(kvs[0]?.create_revision)
    expect(JSON.parse(`${kvs[0]?.value}`)).toEqual({
      id: 'a',
      value: 10,
      instance: expect.any(String),
    })

    const seen = once(b, 'change')
    await b.start()
    expect(await seen).toEqual([10, 'a'])
    expect(b.holder).toEqual({ id: 'a', value: 10, token: a.token })
    expect([b.isLeader, b.token]).toEqual([false, null])
    expect(await Promise.all([a.id(), b.id(), a.value(), b.value()])).toEqual(['a', 'a', 10, 10])

    const before = a.token ?? 0n
    const events = ['change', 'select'].map((event) => once(b, event))
    let wasVacant = false
    b.on('vacant', () => {
      wasVacant = true
    })
    const deselected = once(a, 'deselect')
    await a.stop()
    expect(await deselected).toEqual(['stopped'])
    expect(await Promise.all(events)).toEqual([[{ x: 1 }, 'b'], [{ x: 1 }]])
    expect(wasVacant).toBe(false)
    expect(b.token).toBeGreaterThan(before)
    // The key stays, and so does its create revision: the token is that of the hand-over.
    const [handedOver] = (await client.get(path).exec()).kvs
    expect(handedOver?.create_revision).toBe(String(before))
    expect(handedOver?.mod_revision).toBe(String(b.token))
    await b.stop()
    expect(await b.id()).toBe(null)
  })

  test('brings every kind of value back as what it was', async () => {
    const values: readonly Json[] = [
      ...[10, 0, -1.5, '10', '', 'null', null, true, false, [], {}],
      'ünïcødé 😀 \ud800 \u0000',
      { a: { b: [null, '', 0, false, { c: {} }] } },
    ]
    const [a, b] = [
      lockerOn(etcd.endpoint)({ path, id: 'a', value: 'first' }),
      lockerOn(etcd.endpoint)({ path, id: 'b', value: 'other' }),
    ]
    await a.start()
    await b.start()
    for (const value of values) {
      const changed = [once(a, 'change'), once(b, 'change')]
      a.propose(value)
      expect(await Promise.all(changed)).toStrictEqual(Array(2).fill([value, 'a']))
      expect(await b.value()).toStrictEqual(value)
      expect(b.holder?.value).toStrictEqual(value)
    }
  })

  test('renews its session as leader only, and tells it', async () => {
    const [a, b] = ['a', 'b'].map((id) => lockerOn(etcd.endpoint)({ path, id, value: id, ttl: 4 }))
    if (a === undefined || b === undefined) throw new Error('there are two')
    await a.start()
    await b.start()
    let followerRefreshed = false
    b.on('refresh', () => {
      followerRefreshed = true
    })
    // Twice the ttl: without renewals the lease would be gone.
    for (let times = 1; times <= 4; times += 1) expect(await once(a, 'refresh')).toEqual(['a'])
    expect([a.isLeader, b.state, followerRefreshed]).toEqual([true, 'follower', false])
  })

  test('is no longer leader once its record is deleted, and campaigns again', async () => {
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    const before = node.token ?? 0n
    const events = [once(node, 'deselect'), once(node, 'vacant')]
    const again = once(node, 'select')
    await client.delete().key(path)
    expect(await Promise.all(events)).toEqual([['vacated'], []])
    await again
    expect(node.token).toBeGreaterThan(before)
  })

  test('is no longer leader once its lease is revoked, and campaigns with another', async () => {
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    const { kvs } = await client.get(path).exec()
    const again = once(node, 'select')
    await client.leaseClient.leaseRevoke({ ID: `${kvs[0]?.lease}` })
    await again
    const now = await client.get(path).exec()
    expect(now.kvs[0]?.lease).not.toBe(kvs[0]?.lease)
  })
})

describe('what an operator puts at the path', () => {
  test('is a holder without id when a node comes, and stays', async () => {
    await client.put(path).value('junk')
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10, ttl: 2 })
    const changed = once(node, 'change')
    await node.start()
    expect(await changed).toEqual(['junk', null])
    expect(node.state).toBe('follower')
    expect(node.holder).toMatchObject({ id: null, value: 'junk' })
    expect([await node.id(), await node.value()]).toEqual([null, 'junk'])
    const changedAgain = once(node, 'change')
    await client.put(path).value('{"id":1}')
    expect(await changedAgain).toEqual(['{"id":1}', null])
    await node.stop()
    expect(await client.get(path).string()).toBe('{"id":1}')
    await node.start()
    const selected = once(node, 'select')
    await client.delete().key(path)
    await selected
  })

  test('deposes a leader, and is not overwritten by anybody', async () => {
    const [a, b] = ['a', 'b'].map((id) => lockerOn(etcd.endpoint)({ path, id, value: id, ttl: 30 }))
    if (a === undefined || b === undefined) throw new Error('there are two')
    await a.start()
    await b.start()
    const told = [once(a, 'deselect'), once(a, 'change'), once(b, 'change')]
    await client.put(path).value('junk')
    expect(await Promise.all(told)).toEqual([['overwritten'], ['junk', null], ['junk', null]])
    await a.start()
    a.propose('mine')
    await Promise.all([a.stop(), b.stop()])
    expect(await client.get(path).string()).toBe('junk')
  })

  test('may be no text at all', async () => {
    await client.put(path).value(Buffer.from([0xff, 0xfe, 0x00, 0x80]))
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    expect(node.holder?.id).toBe(null)
    expect(node.holder?.value).toBeTypeOf('string')
    await node.stop()
    expect(await client.get(path).buffer()).toEqual(Buffer.from([0xff, 0xfe, 0x00, 0x80]))
  })
})

describe('guard()', () => {
  test('commits while this node is the leader', async () => {
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    const result = await node
      .guard()
      .then(client.put(`${path}/done`).value('1'))
      .commit()
    expect(result.succeeded).toBe(true)
    expect(await client.get(`${path}/done`).string()).toBe('1')
  })

  test('still commits after the leader proposed another value', async () => {
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    const guard = node.guard()
    const changed = new Promise((resolve) =>
      node.on('change', (value) => value === 11 && resolve(0)),
    )
    node.propose(11)
    await changed
    const result = await guard.then(client.put(`${path}/done`).value('1')).commit()
    expect(result.succeeded).toBe(true)
  })

  test.each<[string, () => Promise<unknown>]>([
    ['its record was deleted', () => client.delete().key(path).exec()],
    ['something was written over it', () => client.put(path).value('junk').exec()],
    [
      'its own text was written over it',
      async () => {
        await client.put(path).value(`${await client.get(path).string()}`)
      },
    ],
  ])('does not commit once %s', async (_what, happens) => {
    const node = lockerOn(etcd.endpoint)({ path, id: 'a', value: 10 })
    await node.start()
    const guard = node.guard()
    const deselected = once(node, 'deselect')
    await happens()
    const result = await guard.then(client.put(`${path}/done`).value('1')).commit()
    expect(result.succeeded).toBe(false)
    expect(await client.get(`${path}/done`)).toBe(null)
    await deselected
  })

  test('does not commit once another node leads', async () => {
    const [a, b] = ['a', 'b'].map((id) => lockerOn(etcd.endpoint)({ path, id, value: id }))
    if (a === undefined || b === undefined) throw new Error('there are two')
    await a.start()
    await b.start()
    const guard = a.guard()
    const selected = once(b, 'select')
    await a.stop()
    await selected
    // Our connection is closed by now: whatever the answer, nothing is committed.
    const late = guard.then(client.put(`${path}/done`).value('a')).commit()
    expect(await late.then(({ succeeded }) => succeeded).catch(() => false)).toBe(false)
    expect(await client.get(`${path}/done`)).toBe(null)
    const result = await b
      .guard()
      .then(client.put(`${path}/done`).value('b'))
      .commit()
    expect(result.succeeded).toBe(true)
    expect(await client.get(`${path}/done`).string()).toBe('b')
  })

  test('goes over the connection in use, also after the one of the election broke', async () => {
    const breakable = await startEtcd()
    onTestFinished(breakable.stop)
    const node = lockerOn(breakable.endpoint)({ path, id: 'a', value: 10, ttl: 30 })
    await node.start()
    const { token } = node
    const broken = once(node, 'unreachable')
    await breakable.kill()
    await broken
    await breakable.start()
    await once(node, 'refresh')
    expect(node.token).toBe(token)
    const result = await node
      .guard()
      .then(client.put(`${path}/done`).value('1'))
      .commit()
    expect(result.succeeded).toBe(true)
  })

  test('is only for the leader', async () => {
    const [a, b] = ['a', 'b'].map((id) => lockerOn(etcd.endpoint)({ path, id, value: id }))
    expect(() => a?.guard()).toThrow(NotLeaderError)
    await a?.start()
    await b?.start()
    expect(() => b?.guard()).toThrow(NotLeaderError)
    await a?.stop()
    expect(() => a?.guard()).toThrow(NotLeaderError)
  })
})

describe('an Etcd3 client as hosts', () => {
  test('serves, and is not closed by us', async () => {
    const own = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    onTestFinished(() => own.close())
    const locker = lockerOn(own)
    const node = locker({ path, id: 'a', value: 10 })
    await node.start()
    const result = await node
      .guard()
      .then(own.put(`${path}/done`).value('1'))
      .commit()
    expect(result.succeeded).toBe(true)
    await locker.close()
    expect(await own.get(`${path}/done`).string()).toBe('1')
    await node.start()
    expect(node.isLeader).toBe(true)
    await node.stop()
    expect(await own.get(path)).toBe(null)
  })

  test('may be a namespace of one', async () => {
    const space = client.namespace(`${path}:`)
    const node = lockerOn(space)({ path: 'x', id: 'a', value: 10 })
    await node.start()
    expect(JSON.parse(`${await client.get(`${path}:x`).string()}`)).toMatchObject({ id: 'a' })
    const follower = lockerOn(etcd.endpoint)({ path: `${path}:x`, id: 'b', value: 20 })
    await follower.start()
    expect(follower.holder?.id).toBe('a')
    const selected = once(follower, 'select')
    const result = await node.guard().then(space.put('done').value('1')).commit()
    expect(result.succeeded).toBe(true)
    await node.stop()
    await selected
  })
})

describe('a wrong host', () => {
  test('is told by `unreachable`, and does not keep the node from being elected later', async () => {
    const port = await freePort()
    const node = lockerOn(`127.0.0.1:${port}`)({ path, id: 'a', value: 10, ttl: 2 })
    const told: [Error, number][] = []
    const enough = new Promise<void>((resolve) => {
      node.on('unreachable', (error, attempt) => {
        told.push([error, attempt])
        if (told.length === 3) resolve()
      })
    })
    const errors: Error[] = []
    node.on('error', (error) => errors.push(error))
    const started = node.start()
    await enough
    expect(told.slice(0, 3).map(([, attempt]) => attempt)).toEqual([1, 2, 3])
    for (const [error] of told) {
      expect(error.name).toBe('UnreachableError')
      expect(error.message).toContain('ECONNREFUSED')
      expect(error.message).toContain(`127.0.0.1:${port}`)
      expect(error.message).not.toContain('\n')
    }
    expect(node.state).toBe('campaigning')

    const late = await startEtcd({ clientPorts: [port] })
    onTestFinished(late.stop)
    await started
    expect(node.isLeader).toBe(true)
    expect(await node.value()).toBe(10)
    expect(errors).toEqual([])
    await node.stop()
  })

  test('does no harm among others that are right', async () => {
    const wrong = `127.0.0.1:${await freePort()}`
    const node = lockerOn(`${wrong},${etcd.endpoint}`)({ path, id: 'a', value: 10 })
    await node.start()
    expect(node.isLeader).toBe(true)
  })

  test('that no resolver knows is told by name', async () => {
    const node = lockerOn('no-such-host.invalid:2379')({ path, id: 'a', value: 10, ttl: 2 })
    const told = once(node, 'unreachable')
    node.start()
    const [error] = await told
    expect(`${error}`).toContain('no-such-host.invalid')
    await node.stop()
  })
})

function lockerOn(hosts: Hosts): Locker {
  const locker = locked(hosts)
  onTestFinished(() => locker.close())
  return locker
}
