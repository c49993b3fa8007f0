import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createActor, setup } from 'xstate'
import type * as Locked from '../../src/index.js'
import type { Clock } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { vacanciesOf } from '../etcd/vacancies.js'
import { patiently } from '../patience.js'
import { Copies, type Copy } from './copy.js'

/** In seconds. */
const ttl = 60

let etcd: Etcd
let copies: Copies
let one: Copy
let other: Copy

beforeAll(async () => {
  copies = new Copies()
  one = copies.install('one')
  other = copies.install('other', { version: '3.999.0', own: ['xstate', 'etcd3', '@grpc'] })
  etcd = await startEtcd()
})

afterAll(async () => {
  copies?.[Symbol.dispose]()
  await etcd?.stop()
})

test('each copy is one for require and import, and has classes of its own', async () => {
  for (const copy of [one, other]) {
    const imported = await import(pathToFileURL(copy.require.resolve('locked')).href)
    expect(imported.default).toBe(copy.package)
  }
  expect(one.package.locked).not.toBe(other.package.locked)
  expect(one.package.LockedError).not.toBe(other.package.LockedError)
  expect(one.require('etcd3').Etcd3).not.toBe(other.require('etcd3').Etcd3)
})

describe.each(['memory', 'etcd'])('nodes of two copies (%s)', (store) => {
  test('elect one, and hand over to each other', async () => {
    const path = `/copies/${randomUUID()}`
    const hosts = store === 'memory' ? 'memory:copies' : etcd.endpoint
    const [first, second] = [one, other].map((copy) => {
      const locker = copy.package.locked(hosts)
      onTestFinished(() => locker.close())
      return locker(path, { id: copy.name, value: copy.name, ttl })
    })
    if (first === undefined || second === undefined) throw new Error('there are two')
    await first.start()
    await second.start()
    expect([first.state, second.state]).toEqual(['leader', 'follower'])
    await patiently(async () =>
      expect((await second.candidates()).map(({ id }) => id)).toEqual(['one', 'other']),
    )
    const vacant: unknown[] = []
    second.on('vacant', () => vacant.push('vacant'))
    expect(await first.transfer()).toMatchObject({ id: 'other' })
    await expect.poll(() => second.isLeader).toBe(true)
    await patiently(async () => expect(await second.candidates()).toHaveLength(2))
    await second.stop()
    await expect.poll(() => first.isLeader).toBe(true)
    expect(vacant).toEqual([])
    await first.stop()
  })
})

test('the ES modules that bundlers take, beside the CommonJS: the same', async () => {
  const bundled: typeof Locked = await import(
    new URL('../../dist/src/index.js', import.meta.url).href
  )
  expect(bundled.locked).not.toBe(one.package.locked)
  const path = `/copies/${randomUUID()}`
  const lockers = [bundled, one.package].map(({ locked }) => locked('memory:'))
  onTestFinished(async () => {
    for (const locker of lockers) await locker.close()
  })
  const [first, second] = lockers.map((locker) => locker(path, { value: 1, ttl }))
  await first?.start()
  await second?.start()
  expect([first?.isLeader, second?.isLeader]).toEqual([true, false])
  expect(new bundled.DeniedError('no')).toBeInstanceOf(one.package.RefusedError)
})

test('two copies that use the same gRPC share no connection: one that is frozen is the trouble of one', async () => {
  // Of each it is the first connection.
  const fresh = ['third', 'fourth'].map((name) => copies.install(name))
  await using relay = await startRelay(etcd.endpoint)
  const before = await Promise.all(
    fresh.map(async (copy) => {
      const locker = copy.package.locked(relay.endpoint)
      onTestFinished(() => locker.close())
      const node = locker(`/copies/${randomUUID()}`, { value: 1, ttl })
      await node.start()
      return node
    }),
  )
  expect(before.map(({ isLeader }) => isLeader)).toEqual([true, true])
  // What was only dialled is gone by now.
  await patiently(() => expect(relay.open).toBe(2))
})

const NAMES = [
  ...([
    'UnreachableError',
    'RefusedError',
    'DeniedError',
    'TooLargeError',
    'LeaseGoneError',
  ] as const),
  ...(['StoppedError', 'WorkError', 'UnsupportedError', 'NotLeaderError'] as const),
  ...(['NoCandidateError', 'ActorError', 'LockedError'] as const),
]

test.each(NAMES)('%s of one copy is one for the other', (name) => {
  const error = new other.package[name]('what happened')
  expect(error.name).toBe(name)
  for (const asked of NAMES) {
    const isOne = error instanceof one.package[asked]
    expect([asked, isOne]).toEqual([asked, error instanceof other.package[asked]])
  }
})

test('what only bears such a name is none of them, and neither is what has no name', () => {
  const { RefusedError, LockedError } = one.package
  const named = Object.assign(new Error('of somebody else'), { name: 'RefusedError' })
  class OfAnApp extends RefusedError {}
  for (const given of [named, null, undefined, 'RefusedError', Object.create(null), () => 1]) {
    expect(given).not.toBeInstanceOf(RefusedError)
    expect(given).not.toBeInstanceOf(LockedError)
  }
  expect(new other.package.RefusedError('')).not.toBeInstanceOf(OfAnApp)
  expect(new OfAnApp('')).toBeInstanceOf(OfAnApp)
  expect(new OfAnApp('')).toBeInstanceOf(other.package.RefusedError)
})

describe('on a store of another copy’s, a node', () => {
  test('goes on after what an operator can repair', async () => {
    const { node, fail } = brokenStore()
    fail('claim', new other.package.DeniedError('not allowed'))
    node.start(() => undefined)
    const [error] = await once(node, 'unreachable')
    expect(error).toBeInstanceOf(one.package.DeniedError)
    fail('claim', null)
    await expect.poll(() => node.isLeader).toBe(true)
  })

  test('stops after what is refused for good', async () => {
    const { node, fail } = brokenStore()
    fail('claim', new other.package.RefusedError('never'))
    const refused = once(node, 'error')
    await expect(node.start()).rejects.toBeInstanceOf(one.package.RefusedError)
    await refused
    expect(node.state).toBe('stopped')
  })

  test('goes on leading after a value that is too large', async () => {
    const { node, fail } = brokenStore()
    await node.start()
    fail('propose', new other.package.TooLargeError('too large'))
    await expect(node.propose('much')).rejects.toBeInstanceOf(one.package.TooLargeError)
    expect(node.isLeader).toBe(true)
  })

  test('gives up a session at once whose lease is gone', async () => {
    const clock = new other.testing.VirtualClock()
    const { node, fail } = brokenStore(clock)
    const started = node.start()
    await clock.advance(0)
    await started
    const reasons: string[] = []
    node.on('deselect', (reason) => reasons.push(reason))
    fail('renew', new other.package.LeaseGoneError('gone'))
    // The session would last as long again.
    await clock.advance((ttl / 2) * 1_000)
    expect(reasons).toEqual(['expired'])
    fail('renew', null)
    const stopped = node.stop()
    await clock.advance(1_000)
    await stopped
  })

  /** A node of one copy on the other's memory store, of which single requests fail. */
  function brokenStore(clock?: Clock) {
    const store = new other.testing.MemoryStore(clock)
    const failures = new Map<string, Error>()
    const broken = new Proxy(store, {
      get(_, name) {
        const value: unknown = Reflect.get(store, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const failure = failures.get(String(name))
          return failure === undefined ? Reflect.apply(value, store, args) : Promise.reject(failure)
        }
      },
    })
    const locker = one.package.locked(broken, clock && { clock })
    onTestFinished(async () => {
      failures.clear()
      if (clock === undefined) await locker.close()
    })
    const fail = (call: string, error: Error | null) => {
      if (error === null) failures.delete(call)
      else failures.set(call, error)
    }
    return { node: locker(`/copies/${randomUUID()}`, { value: 1, ttl }), fail }
  }
})

test('a client of another copy of etcd3 is used by both', async () => {
  const { Etcd3 } = other.require('etcd3')
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => client.close())
  const path = `/copies/${randomUUID()}`
  const vacancies = await vacanciesOf(etcd.endpoint, path)
  const [first, second] = [one, other].map((copy) =>
    copy.package.locked(client)(path, { id: copy.name, value: 1, ttl }),
  )
  await first?.start()
  await second?.start()
  await patiently(async () => expect(await second?.candidates()).toHaveLength(2))
  await first?.stop()
  await expect.poll(() => second?.isLeader).toBe(true)
  expect(await vacancies.untilNow()).toEqual([])
  await second?.stop()
})

test('a machine of another copy, on an xstate of its own, is invoked by a parent of this one', async () => {
  const locker = other.package.locked('memory:invoked')
  onTestFinished(() => locker.close())
  const input = { path: '/invoked', id: 'a', instance: randomUUID(), value: 1, ttl }
  const parent = createActor(
    setup({ actors: { election: locker.machine } }).createMachine({
      invoke: { id: 'election', src: 'election', input: () => input },
    }),
  ).start()
  onTestFinished(() => {
    parent.stop()
  })
  const child = parent.getSnapshot().children.election
  if (child === undefined) throw new Error('the election was not invoked')
  Reflect.apply(Reflect.get(child, 'send'), child, [{ type: 'start' }])
  await patiently(() => {
    const snapshot: unknown = Reflect.get(child, 'getSnapshot').call(child)
    expect(Reflect.get(Object(snapshot), 'value')).toMatchObject({ leader: expect.anything() })
  })
})

test('a virtual clock of another copy moves a node', async () => {
  const clock = new other.testing.VirtualClock()
  const store = new other.testing.MemoryStore(clock)
  const locker = one.package.locked(store, { clock })
  const node = locker('/clock', { value: 1, ttl: 10 })
  const started = node.start()
  await clock.advance(0)
  await started
  const refreshed = once(node, 'refresh')
  await clock.advance(6_000)
  await refreshed
  const closed = locker.close()
  await clock.advance(1_000)
  await closed
})

test('what is thrown in another realm, as under Jest, is an error all the same', async () => {
  const store = new one.testing.MemoryStore()
  const thrown: Error = runInNewContext(`Object.assign(new TypeError('of another realm'), {})`)
  expect(thrown).not.toBeInstanceOf(Error)
  store.claim = () => Promise.reject(thrown)
  const locker = one.package.locked(store)
  onTestFinished(() => locker.close())
  const node = locker('/realm', { value: 1, ttl })
  node.start(() => undefined)
  const [error] = await once(node, 'unreachable')
  expect(error).toBe(thrown)
})
