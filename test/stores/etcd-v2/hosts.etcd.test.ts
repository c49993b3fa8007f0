import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { LeaseGoneError, RefusedError, UnreachableError } from '../../../src/errors.js'
import { EtcdjsStore } from '../../../src/stores/etcd-v2/etcdjs-store.js'
import type { Lease, Reign } from '../../../src/stores/store.js'
import { etcdjs } from '../../etcd/etcdjs.js'
import { type Etcd, startEtcd } from '../../etcd/index.js'
import { type Relay, startRelay } from '../../etcd/relay.js'
import { V2Operator } from '../../etcd/v2-operator.js'
import { timeNet } from '../../load/starvation.js'
import { Recorder } from '../recorder.js'

const call = { timeoutMs: 15_000 }

let etcd: Etcd
let operator: V2Operator
let path: string

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true })
  operator = new V2Operator(etcd.endpoint)
})

afterAll(async () => {
  await etcd?.stop()
})

beforeEach(() => {
  path = `hosts/${randomUUID()}`
})

function storeAt(...hosts: readonly string[]): EtcdjsStore {
  const store = new EtcdjsStore(etcdjs(hosts))
  onTestFinished(() => store.closeIdle())
  return store
}

async function relay(): Promise<Relay> {
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  return relay
}

function watchOf(store: EtcdjsStore, from: number): Recorder {
  const recorder = new Recorder()
  const watch = store.watch(path, from, recorder)
  onTestFinished(() => watch.close())
  return recorder
}

async function reignOf(store: EtcdjsStore, lease: Lease, text = 'me'): Promise<Reign> {
  const claim = await store.claim(path, text, lease, call)
  if (!claim.won) throw new Error(`lost to ${claim.entry.text}`)
  return { token: claim.token, lease: lease.id }
}

describe('of two hosts, one', () => {
  test('is dead: every call is answered all the same, and soon', async () => {
    const dead = await relay()
    await dead.cut()
    const store = storeAt(dead.endpoint, etcd.endpoint)
    const useAll = async () => {
      const lease = await store.grant(60)
      const reign = await reignOf(store, lease)
      expect(await store.renew(lease, call)).toBe(60_000)
      expect(await store.propose(path, 'changed', reign, call)).toBeGreaterThan(reign.token)
      expect((await store.read(path, call)).entry?.text).toBe('changed')
      await store.release(path, reign, 'I leave', call)
    }
    expect(await timeNet(useAll)).toBeLessThan(2_000)
    expect((await store.read(path, call)).entry).toBeNull()
  })

  test('is silent: every call is answered by the other one', async () => {
    const silent = await relay()
    silent.freeze()
    const store = storeAt(silent.endpoint, etcd.endpoint)
    const lease = await store.grant(60)
    const reign = await reignOf(store, lease)
    for (const _ of [1, 2]) {
      const renew = async () => expect(await store.renew(lease, call)).toBe(60_000)
      expect(await timeNet(renew)).toBeLessThan(1_500)
    }
    await store.release(path, reign, null, call)
    expect((await store.read(path, call)).entry).toBeNull()
  })

  test('freezes under a watch: what happens is told all the same', async () => {
    const freezing = await relay()
    const other = await relay()
    const store = storeAt(freezing.endpoint, other.endpoint)
    const { revision } = await store.read(path, call)
    const opened = freezing.opened + other.opened
    const recorder = watchOf(store, revision + 1)
    // The wait is on one of the two by now; whichever it is, it freezes for good.
    await expect.poll(() => freezing.opened + other.opened).toBeGreaterThan(opened)
    const watched = freezing.opened > 1 ? freezing : other
    watched.freeze()
    await operator.set(path, 'news')
    expect(await timeNet(() => recorder.firstOf('news'))).toBeLessThan(4_500)
    expect(recorder.texts).toEqual(['news'])
  })
})

describe('when no host answers', () => {
  test('calls reject with UnreachableError in time, and a watch says so and goes on later', async () => {
    const only = await relay()
    const store = storeAt(only.endpoint)
    const { revision } = await store.read(path, call)
    let troubles = 0
    const recorder = new Recorder()
    recorder.retrying = () => {
      troubles += 1
    }
    const watch = store.watch(path, revision + 1, recorder)
    onTestFinished(() => watch.close())
    only.freeze()
    const read = () =>
      expect(store.read(path, { timeoutMs: 700 })).rejects.toBeInstanceOf(UnreachableError)
    expect(await timeNet(read)).toBeLessThan(1_200)
    await expect.poll(() => troubles).toBeGreaterThan(0)
    await only.cut()
    await expect(store.read(path, call)).rejects.toBeInstanceOf(UnreachableError)
    await operator.set(path, 'meanwhile')
    await only.heal()
    await recorder.firstOf('meanwhile')
    expect(recorder.texts).toEqual(['meanwhile'])
  })
})

describe('what will never work is refused', () => {
  test('by an etcd without the v2 API, and the error says what to do', async () => {
    const { endpoint, stop } = await startEtcd()
    onTestFinished(stop)
    const store = storeAt(endpoint)
    const claim = store.claim(path, 'me', await store.grant(5), call)
    await expect(claim).rejects.toBeInstanceOf(RefusedError)
    await expect(claim).rejects.toThrow(/--enable-v2.*etcdjs\(\['127\.0\.0\.1:4001', /)
    await expect(store.read(path, call)).rejects.toBeInstanceOf(RefusedError)
  })

  test('by an etcdjs object that its owner has destroyed', async () => {
    const client = etcdjs([etcd.endpoint])
    const store = new EtcdjsStore(client)
    client.destroy()
    await expect(store.read(path, call)).rejects.toBeInstanceOf(RefusedError)
  })

  test('below a path that is a key', async () => {
    await operator.set(path, 'a file')
    const store = storeAt(etcd.endpoint)
    const claim = store.claim(`${path}/below`, 'me', await store.grant(5), call)
    await expect(claim).rejects.toThrow(/Not a directory/)
    await expect(claim).rejects.toBeInstanceOf(RefusedError)
  })
})

describe('a renewal', () => {
  test('is told to no watch, early or late', async () => {
    const store = storeAt(etcd.endpoint)
    const lease = await store.grant(4)
    const reign = await reignOf(store, lease)
    const early = watchOf(store, reign.token)
    const peer = storeAt(etcd.endpoint)
    const late = watchOf(peer, reign.token + 1)
    const renewals = setInterval(() => void store.renew(lease, call).catch(() => {}), 300)
    // Longer than a wait is left alone, and longer than the ttl.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    clearInterval(renewals)
    expect([early.texts, late.texts]).toEqual([['me'], []])
    expect((await store.read(path, call)).entry).toMatchObject({ text: 'me', token: reign.token })
    await store.release(path, reign, null, call)
    await late.firstOf(null)
    expect(late.texts).toEqual([null])
  })

  test('tells of a reign that is over before it resolves', async () => {
    const only = await relay()
    const store = storeAt(only.endpoint)
    const lease = await store.grant(60)
    const reign = await reignOf(store, lease)
    const recorder = watchOf(store, reign.token + 1)
    await operator.set(path, 'me', 60)
    await store.renew(lease, call)
    expect(recorder.texts).toEqual(['me'])
    expect(recorder.sightings[0]?.entry?.token).toBeGreaterThan(reign.token)
    expect(await store.propose(path, 'late', reign, call)).toBeNull()
  })

  test('does not touch what somebody else wrote by compare-and-swap, though the token stands', async () => {
    const store = storeAt(etcd.endpoint)
    const lease = await store.grant(60)
    const reign = await reignOf(store, lease)
    const recorder = watchOf(store, reign.token + 1)
    await operator.put(path, 'not me', 30)
    const { entry } = await recorder.firstOf('not me')
    expect(entry?.token).toBe(reign.token)
    expect(entry?.lease).not.toBe(lease.id)
    await store.renew(lease, call)
    const { node } = await operator.get(path)
    expect(node?.ttl).toBeLessThanOrEqual(30)
    await store.release(path, reign, null, call)
    expect((await store.read(path, call)).entry).toEqual(entry)
  })

  test('of which the answer was lost is made up for by the next', async () => {
    const only = await relay()
    const store = storeAt(only.endpoint)
    const lease = await store.grant(60)
    const reign = await reignOf(store, lease)
    only.dropAnswers()
    await expect(store.renew(lease, { timeoutMs: 700 })).rejects.toBeInstanceOf(UnreachableError)
    await only.heal()
    expect(await store.renew(lease, call)).toBe(60_000)
    expect(await store.propose(path, 'changed', reign, call)).toBeGreaterThan(reign.token)
  })
})

test('a claim that lasts longer than its lease is taken back', async () => {
  const slow = await relay()
  const store = storeAt(slow.endpoint)
  const lease = await store.grant(1)
  slow.delay(700)
  await expect(store.claim(path, 'me', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
  expect((await operator.get(path)).node).toBeUndefined()
})

test('a claim whose answer was lost is vacated with its lease', async () => {
  const only = await relay()
  const store = storeAt(only.endpoint)
  const lease = await store.grant(60)
  only.dropAnswers()
  await expect(store.claim(path, 'me', lease, { timeoutMs: 700 })).rejects.toBeInstanceOf(
    UnreachableError,
  )
  await only.heal()
  expect((await operator.get(path)).node?.value).toBe('me')
  await store.revoke(lease, call)
  expect((await operator.get(path)).node).toBeUndefined()
})

describe('a release whose notice is not confirmed soon', () => {
  test('shows the notice, and then the deletion', async () => {
    const slow = await relay()
    const store = storeAt(slow.endpoint)
    const reign = await reignOf(store, await store.grant(60))
    const recorder = watchOf(storeAt(etcd.endpoint), reign.token + 1)
    slow.delay(150)
    await store.release(path, reign, 'I leave', call)
    expect((await operator.get(path)).node).toBeUndefined()
    await recorder.firstOf(null)
    expect(recorder.texts).toEqual(['I leave', null])
  })

  test('leaves alone what stands there when the reign is over', async () => {
    const slow = await relay()
    const store = storeAt(slow.endpoint)
    const reign = await reignOf(store, await store.grant(60))
    await operator.set(path, 'not me', 60)
    const before = await operator.get(path)
    slow.delay(150)
    await store.release(path, reign, 'I leave', call)
    expect((await operator.get(path)).node).toMatchObject({
      value: 'not me',
      modifiedIndex: before.node?.modifiedIndex,
    })
  })
})

test('a directory at the path is held by nobody we know, and is left alone', async () => {
  await operator.set(`${path}/file`, 'x')
  const store = storeAt(etcd.endpoint)
  const claim = await store.claim(path, 'me', await store.grant(5), call)
  expect(claim).toMatchObject({ won: false, entry: { text: '', lease: null } })
  expect((await store.read(path, call)).entry).toMatchObject({ text: '', lease: null })
})

test('a host that accepts and says nothing costs a first call no more than a second', async () => {
  const server = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const store = storeAt(`127.0.0.1:${address.port}`, etcd.endpoint)
  const claim = async () => store.claim(path, 'me', await store.grant(5), call)
  expect(await timeNet(claim)).toBeLessThan(1_000)
})
