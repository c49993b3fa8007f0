import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { UnreachableError } from '../../../src/errors.js'
import { memberEndpoint } from '../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../src/stores/etcd/etcd-store.js'
import type { Reign } from '../../../src/stores/store.js'
import { type Etcd, startEtcd } from '../../etcd/index.js'
import { Recorder } from '../recorder.js'
import { type Answer, Answers } from './answers.js'

const call = { timeoutMs: 60_000 }

let etcd: Etcd
let path: string
let answers: Answers
let store: EtcdStore
let reign: Reign

beforeAll(async () => {
  etcd = await startEtcd()
})

afterAll(() => etcd?.stop())

beforeEach(async () => {
  path = `release/${randomUUID()}`
  answers = new Answers(path)
  const options = { defaultCallOptions: { interceptors: [answers.interceptor] } }
  store = new EtcdStore([memberEndpoint({ secure: false, address: etcd.endpoint }, options)])
  onTestFinished(() => {
    store.closeIdle()
    answers.end()
  })
  const { id } = await store.grant(120, call)
  const claim = await store.claim(path, 'me', { id, ttlMs: 120_000 }, call)
  if (!claim.won) throw new Error(`lost to ${claim.entry.text}`)
  reign = { token: claim.token, lease: id }
})

describe('a release with a notice', () => {
  test('ends with a plain deletion when the answer to its own one never comes', async () => {
    const recorder = new Recorder()
    const watch = store.watch(path, reign.token + 1, recorder)
    onTestFinished(() => watch.close())
    answers.lose((answer) => answer === 'deleted')
    await store.release(path, reign, 'I leave', call)
    await seen('deleted', 'over', 'written')
    expect(answers.missed).toBe(0)
    expect((await store.read(path, call)).entry).toBeNull()
    await recorder.firstOf(null)
    expect(recorder.texts).toEqual(['I leave', null])
  })

  test('ends with its deletion when the answer to its notice never comes, though others do', async () => {
    answers.lose((answer) => answer === 'written')
    const released = store.release(path, reign, 'I leave', call)
    await whileOthersAreAnswered(released)
    await seen('deleted', 'written')
    expect(answers.missed).toBe(0)
    expect((await store.read(path, call)).entry).toBeNull()
  })

  test('ends with a plain deletion when neither answer comes', async () => {
    answers.lose((answer) => answer !== 'over')
    await store.release(path, reign, 'I leave', call)
    await seen('deleted', 'over', 'written')
    expect(answers.missed).toBe(0)
    expect((await store.read(path, call)).entry).toBeNull()
  })

  test('ends with the first answer that says that the reign is over', async () => {
    answers.lose((_, before) => before > 0)
    await store.release(path, { ...reign, token: reign.token - 1 }, 'I leave', call)
    expect(answers.missed).toBe(0)
    expect((await store.read(path, call)).entry).toMatchObject({ text: 'me', ...reign })
  })

  test('that is long ends with the answer to its deletion when that to its notice never comes', async () => {
    answers.lose((_, before) => before === 0)
    await store.release(path, reign, 'I leave'.repeat(50_000), call)
    expect(answers.all).toHaveLength(2)
    expect(answers.missed).toBe(0)
    expect((await store.read(path, call)).entry).toBeNull()
  })

  test('rejects with UnreachableError when no answer comes at all', async () => {
    answers.lose(() => true)
    const released = store.release(path, reign, 'I leave', { timeoutMs: 1_500 })
    await expect(released).rejects.toBeInstanceOf(UnreachableError)
  })
})

/** Answers come in any order: one that nobody waits for may be the last. */
async function seen(...expected: Answer[]): Promise<void> {
  const poll = expect.poll(() => answers.all, { timeout: 30_000 })
  await poll.toEqual(expect.arrayContaining(expected))
}

/** So that etcd is not silent meanwhile. */
async function whileOthersAreAnswered(promise: Promise<unknown>): Promise<void> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  settled.catch(() => undefined)
  // Under another lease, with which no part of the release travels.
  const other = { token: 1, lease: (await store.grant(120, call)).id }
  while (!isSettled) await store.propose(`${path}/other`, 'x', other, call)
  await settled
}
