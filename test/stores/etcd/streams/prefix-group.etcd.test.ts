import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { candidateAt } from '../../../../src/stores/candidates.js'
import { memberEndpoint } from '../../../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../../../src/stores/etcd/etcd-store.js'
import { type Etcd, startEtcd } from '../../../etcd/index.js'
import { startRelay } from '../../../etcd/relay.js'
import { Recorder } from '../../recorder.js'

const PATHS = 40
/** The first paths that begin alike have watches of their own. */
const MOST_WATCHES = 9
const call = { timeoutMs: 60_000 }

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  // It counts the watches of its server.
  etcd = await startEtcd({ own: true })
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

describe('paths that begin alike', () => {
  // The server learns a moment later that the clients of the test before have gone.
  beforeEach(() => expectWatches((watches) => watches === 0))

  test('are watched together, and each hears of its own and of nothing else', async () => {
    const { prefix, recorders } = await watchMany(storeAt(etcd.endpoint))
    await expectWatches((watches) => watches <= MOST_WATCHES)
    for (const foreign of ['', '0', '1', '39', '39/0', '400', 'other']) {
      await client.put(`${prefix}foreign${foreign}`).value('foreign')
      await client.put(`${prefix}${foreign}/foreign`).value('foreign')
    }
    await writeAll(prefix, 'mine')
    await expectEachHeard(recorders, 'mine')
  })

  test('have no watch left on the server when nobody watches them any more', async () => {
    const store = storeAt(etcd.endpoint)
    const { close } = await watchMany(store)
    await expectWatches((watches) => watches > 0 && watches <= MOST_WATCHES)
    close()
    await expectWatches((watches) => watches === 0)
  })

  test('one that joins late hears of what happened since its revision', async () => {
    const store = storeAt(etcd.endpoint)
    const { prefix, recorders } = await watchMany(store)
    const late = `${prefix}late`
    const { revision } = await store.read(late, call)
    await client.put(late).value('one')
    await client.put(late).value('two')
    // By then the group has passed it.
    await writeAll(prefix, 'mine')
    await recorders.at(-1)?.firstOf(`mine ${PATHS - 1}`)
    const [recorder] = watch(store, [late], revision + 1)
    await recorder?.firstOf('two')
    expect(recorder?.texts).toEqual(['one', 'two'])
    await expectWatches((watches) => watches <= MOST_WATCHES)
  })

  test('are watched one by one where others write more than they do', async () => {
    const { prefix, recorders } = await watchMany(storeAt(etcd.endpoint))
    await expectWatches((watches) => watches <= MOST_WATCHES)
    for (let round = 0; round < 200; round++) await client.put(`${prefix}foreign`).value(round)
    await expectWatches((watches) => watches >= PATHS)
    await writeAll(prefix, 'mine')
    await expectEachHeard(recorders, 'mine')
  })

  test('are watched together however many candidates come to stand beside them', async () => {
    const { prefix, recorders } = await watchMany(storeAt(etcd.endpoint))
    await expectWatches((watches) => watches <= MOST_WATCHES)
    const entry = candidateAt(`${prefix}${PATHS - 1}`, 'instance')
    for (let round = 0; round < 200; round++) await client.put(entry).value(round)
    // By then it would have been found too wide.
    await sleep(2_500)
    await expectWatches((watches) => watches <= MOST_WATCHES)
    await writeAll(prefix, 'mine')
    await expectEachHeard(recorders, 'mine')
  })

  test('are followed together as well: each is told of its own candidates, and of no others', async () => {
    const store = storeAt(etcd.endpoint)
    const { prefix } = await watchMany(store)
    const { revision } = await store.read(prefix, call)
    await expectWatches((watches) => watches > 0 && watches <= MOST_WATCHES)
    // Those come before they are followed, and are told all the same.
    for (let index = 0; index < PATHS; index++) await enter(prefix, index, 'early')
    await expect.poll(() => store.read(prefix, call)).toMatchObject({ entry: null })
    const { told, close } = followMany(store, prefix, revision + 1)
    for (let index = 0; index < PATHS; index++) await enter(prefix, index, 'late')
    await client.delete().key(candidateAt(`${prefix}0`, 'early'))
    await expect.poll(() => told[0]).toEqual(['early entered', 'late entered', 'early left'])
    for (const one of told.slice(1)) {
      await expect.poll(() => one).toEqual(['early entered', 'late entered'])
    }
    await expectWatches((watches) => watches <= MOST_WATCHES)
    close()
  })

  test('whose candidates are followed: it is lost what was told when the connection is', async () => {
    const relay = await startRelay(etcd.endpoint)
    onTestFinished(() => relay.stop())
    const store = storeAt(relay.endpoint)
    const { prefix, close: closeWatches } = await watchMany(store)
    const { revision } = await store.read(prefix, call)
    await expectWatches((watches) => watches > 0)
    const { told, close } = followMany(store, prefix, revision + 1)
    await enter(prefix, 0, 'one')
    await expect.poll(() => told[0]).toEqual(['one entered'])
    await relay.cut()
    await relay.heal()
    await expect.poll(() => told.every((one) => one.at(-1) === 'lost')).toBe(true)
    close()
    closeWatches()
    await expectWatches((watches) => watches === 0)
  })

  test('whose candidates are followed keep what that takes, when nobody watches them any more', async () => {
    const store = storeAt(etcd.endpoint)
    const { prefix, close: closeWatches } = await watchMany(store)
    const { revision } = await store.read(prefix, call)
    const { told, close } = followMany(store, prefix, revision + 1)
    closeWatches()
    await enter(prefix, PATHS - 1, 'one')
    await expect.poll(() => told.at(-1)).toEqual(['one entered'])
    close()
    await expectWatches((watches) => watches === 0)
  })

  test('miss nothing while their connection is down', async () => {
    const relay = await startRelay(etcd.endpoint)
    onTestFinished(() => relay.stop())
    const { prefix, recorders } = await watchMany(storeAt(relay.endpoint))
    await writeAll(prefix, 'before')
    await recorders.at(-1)?.firstOf(`before ${PATHS - 1}`)
    await relay.cut()
    await writeAll(prefix, 'meanwhile')
    await relay.heal()
    await writeAll(prefix, 'after')
    await expectEachHeard(recorders, 'before', 'meanwhile', 'after')
  })

  test('hear how things stand when history is compacted while their connection is down', async () => {
    const relay = await startRelay(etcd.endpoint)
    onTestFinished(() => relay.stop())
    const { prefix, recorders } = await watchMany(storeAt(relay.endpoint))
    await writeAll(prefix, 'before')
    await recorders.at(-1)?.firstOf(`before ${PATHS - 1}`)
    await relay.cut()
    await writeAll(prefix, 'forgotten')
    await writeAll(prefix, 'meanwhile')
    await client.delete().key(`${prefix}${PATHS - 1}`)
    const { header } = await client.kv.range({ key: Buffer.from(prefix) })
    await client.kv.compact({ revision: header.revision, physical: true })
    await relay.heal()
    await Promise.all(
      recorders.map((recorder, index) =>
        recorder.firstOf(index === PATHS - 1 ? null : `meanwhile ${index}`),
      ),
    )
    await writeAll(prefix, 'after')
    for (const [index, recorder] of recorders.entries()) {
      await recorder.firstOf(`after ${index}`)
      expect(recorder.texts).not.toContain(`forgotten ${index}`)
    }
  })
})

test('paths that may be watched, but not all that begins alike, are watched one by one', async () => {
  const guarded = await startEtcd({ own: true })
  onTestFinished(() => guarded.stop())
  const operator = new Etcd3({ hosts: `http://${guarded.endpoint}` })
  const prefix = `/${randomUUID()}/`
  const role = await operator.role('some paths').create()
  for (let index = 0; index < PATHS; index++) {
    await role.grant({
      permission: 'Readwrite',
      range: operator.range({ start: `${prefix}${index}`, end: `${prefix}${index}\0` }),
    })
  }
  const user = await operator.user('limited').create('secret')
  await user.addRole(role)
  const root = await operator.user('root').create('secret')
  await root.addRole(await operator.role('root').create())
  await operator.auth.authEnable({})
  operator.close()

  const auth = { username: 'limited', password: 'secret' }
  const store = new EtcdStore([
    memberEndpoint({ secure: false, address: guarded.endpoint }, { auth }),
  ])
  const writer = new Etcd3({ hosts: `http://${guarded.endpoint}`, auth })
  onTestFinished(() => writer.close())
  onTestFinished(() => store.closeIdle())
  const paths = Array.from({ length: PATHS }, (_, index) => `${prefix}${index}`)
  const { revision } = await store.read(`${prefix}0`, call)
  const recorders = watch(store, paths, revision + 1)
  for (const [index, path] of paths.entries()) await writer.put(path).value(`mine ${index}`)
  for (const [index, recorder] of recorders.entries()) {
    await recorder.firstOf(`mine ${index}`)
    expect(recorder.refusals).toEqual([])
  }
})

function storeAt(endpoint: string): EtcdStore {
  const store = new EtcdStore([memberEndpoint({ secure: false, address: endpoint }, {})])
  onTestFinished(() => store.closeIdle())
  return store
}

/** Watches many paths that begin alike from now on. */
async function watchMany(store: EtcdStore) {
  const prefix = `/${randomUUID()}/`
  const { revision } = await store.read(prefix, call)
  const paths = Array.from({ length: PATHS }, (_, index) => `${prefix}${index}`)
  const recorders = paths.map(() => new Recorder())
  const open = paths.map((path, index) => {
    const recorder = recorders[index]
    if (recorder === undefined) throw new Error('a recorder for each path')
    return store.watch(path, revision + 1, recorder)
  })
  const close = () => {
    for (const one of open) one.close()
  }
  onTestFinished(close)
  return { prefix, recorders, close }
}

/** What is told of the candidates of each path, from a revision on. */
function followMany(store: EtcdStore, prefix: string, from: number) {
  const told = Array.from({ length: PATHS }, (): string[] => [])
  const open = told.map((one, index) =>
    store.candidates.follow(`${prefix}${index}`, from, {
      entered: ({ instance }) => one.push(`${instance} entered`),
      left: (instance) => one.push(`${instance} left`),
      lost: () => one.push('lost'),
    }),
  )
  const close = () => {
    for (const one of open) one.close()
  }
  onTestFinished(close)
  return { told, close }
}

/** Under a lease, as every candidate does. */
async function enter(prefix: string, index: number, instance: string): Promise<void> {
  const lease = client.lease(600)
  await lease.put(candidateAt(`${prefix}${index}`, instance)).value('text')
  lease.release()
}

function watch(store: EtcdStore, paths: readonly string[], from: number): Recorder[] {
  return paths.map((path) => {
    const recorder = new Recorder()
    const open = store.watch(path, from, recorder)
    onTestFinished(() => open.close())
    return recorder
  })
}

async function writeAll(prefix: string, word: string): Promise<void> {
  for (let index = 0; index < PATHS; index++) {
    await client.put(`${prefix}${index}`).value(`${word} ${index}`)
  }
}

/** Each path has heard these words of its own, in this order, and nothing else. */
async function expectEachHeard(
  recorders: readonly Recorder[],
  ...words: readonly string[]
): Promise<void> {
  for (const [index, recorder] of recorders.entries()) {
    const texts = words.map((word) => `${word} ${index}`)
    await recorder.firstOf(texts.at(-1) ?? null)
    expect(recorder.texts).toEqual(texts)
  }
}

/** How many watches etcd serves. */
async function watches(): Promise<number> {
  const response = await fetch(`http://${etcd.endpoint}/metrics`)
  const found = /^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(await response.text())
  if (found === null) throw new Error('etcd does not say how many watches it serves')
  return Number(found[1])
}

async function expectWatches(wanted: (watches: number) => boolean): Promise<void> {
  await expect.poll(async () => wanted(await watches())).toBe(true)
}
