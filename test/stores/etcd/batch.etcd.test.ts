import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { RefusedError } from '../../../src/errors.js'
import { type EtcdOptions, memberEndpoint } from '../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../src/stores/etcd/etcd-store.js'
import { type Etcd, startEtcd } from '../../etcd/index.js'

const CLAIMS = 150
const call = { timeoutMs: 60_000 }

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd({ own: true })
  const operator = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  const role = await operator.role('some').create()
  await role.grant({ permission: 'Readwrite', range: operator.range({ prefix: '/allowed/' }) })
  await (await operator.user('limited').create('secret')).addRole(role)
  await (await operator.user('root').create('secret')).addRole(await operator.role('root').create())
  await operator.auth.authEnable({})
  operator.close()
})

afterAll(() => etcd?.stop())

describe('of claims that travel together', () => {
  test('those that permission is denied for are refused, and no others', async () => {
    const store = storeAs('limited')
    const lease = await store.grant(120, call)
    const isForbidden = (index: number) => index % 50 === 20
    const outcomes = await settleAll((index) => {
      const path = `/${isForbidden(index) ? 'forbidden' : 'allowed'}/${randomUUID()}`
      return store.claim(path, 'text', lease, call)
    })
    for (const [index, outcome] of outcomes.entries()) {
      if (isForbidden(index)) {
        expect(outcome).toBeInstanceOf(RefusedError)
        expect(String(outcome)).toMatch(/permission denied/)
      } else expect(outcome).toMatchObject({ won: true })
    }
  })

  test('one that is too large for etcd is refused, and no other', async () => {
    const store = storeAs('root')
    const lease = await store.grant(120, call)
    const outcomes = await settleAll((index) => {
      const text = index === 70 ? 'x'.repeat(2_000_000) : 'text'
      return store.claim(`/allowed/${randomUUID()}`, text, lease, call)
    })
    for (const [index, outcome] of outcomes.entries()) {
      if (index === 70) expect(outcome).toBeInstanceOf(RefusedError)
      else expect(outcome).toMatchObject({ won: true })
    }
  })

  test('many are carried out with few requests', async () => {
    const store = storeAs('root')
    const lease = await store.grant(120, call)
    const before = await transactions()
    const outcomes = await settleAll(() =>
      store.claim(`/allowed/${randomUUID()}`, 'text', lease, call),
    )
    for (const outcome of outcomes) expect(outcome).toMatchObject({ won: true })
    expect((await transactions()) - before).toBe(2)
  })

  test('candidates of one path enter with as few, and the last of them has come last', async () => {
    const store = storeAs('root')
    const lease = await store.grant(120, call)
    const path = `/allowed/${randomUUID()}`
    await store.claim(path, 'text', lease, call)
    const before = await transactions()
    const instances = Array.from({ length: CLAIMS }, () => randomUUID())
    const entered = await Promise.all(
      instances.map((instance) =>
        store.candidates.enter(path, { instance, text: 'text' }, lease, call),
      ),
    )
    // Each names a key of its own, and that of the path: fewer fit into one.
    expect((await transactions()) - before).toBeLessThanOrEqual(5)
    const { waiting } = await store.candidates.list(path, call)
    expect(waiting.map(({ instance }) => instance).sort()).toEqual([...instances].sort())
    const knownUpTo = Math.max(...entered)
    expect(knownUpTo).toBe(Math.max(...waiting.map(({ since }) => since)))
  })

  test('a claim of a path that is held and candidates of it travel together', async () => {
    const store = storeAs('root')
    const lease = await store.grant(120, call)
    const path = `/allowed/${randomUUID()}`
    await store.claim(path, 'text', lease, call)
    const before = await transactions()
    const [first, ...others] = await Promise.all([
      // Sent by itself: what is ready first is.
      store.claim(`/allowed/${randomUUID()}`, 'text', lease, call),
      store.claim(path, 'text', lease, call, { instance: randomUUID(), text: 'text' }),
      ...Array.from({ length: 9 }, () =>
        store.candidates.enter(path, { instance: randomUUID(), text: 'text' }, lease, call),
      ),
    ])
    expect(first).toMatchObject({ won: true })
    expect(others[0]).toMatchObject({ won: false })
    expect((await transactions()) - before).toBeLessThanOrEqual(2)
    expect((await store.candidates.list(path, call)).waiting).toHaveLength(10)
  })

  test('those of as many timers are, too', async () => {
    const store = storeAs('root')
    const lease = await store.grant(120, call)
    const before = await transactions()
    const outcomes = await settleAll(async () => {
      await sleep(50)
      return store.claim(`/allowed/${randomUUID()}`, 'text', lease, call)
    })
    for (const outcome of outcomes) expect(outcome).toMatchObject({ won: true })
    // Node.js may take some turns to run them all; each needs a request or two.
    expect((await transactions()) - before).toBeLessThan(CLAIMS / 5)
  })
})

/** Makes all claims in one turn of the event loop, and tells what became of each. */
async function settleAll(claim: (index: number) => Promise<unknown>): Promise<unknown[]> {
  const settled = await Promise.allSettled(
    Array.from({ length: CLAIMS }, (_, index) => claim(index)),
  )
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
}

function storeAs(username: string): EtcdStore {
  const options: EtcdOptions = { auth: { username, password: 'secret' } }
  const store = new EtcdStore([memberEndpoint({ secure: false, address: etcd.endpoint }, options)])
  onTestFinished(() => store.closeIdle())
  return store
}

/** How many transactions etcd has been asked for. */
async function transactions(): Promise<number> {
  const response = await fetch(`http://${etcd.endpoint}/metrics`)
  const found = /^grpc_server_msg_received_total\{.*grpc_method="Txn".*\} (\d+)$/m.exec(
    await response.text(),
  )
  return Number(found?.[1])
}
