import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { LeaseGoneError } from '../../../src/errors.js'
import { EtcdjsStore } from '../../../src/stores/etcd-v2/etcdjs-store.js'
import { etcdjs } from '../../etcd/etcdjs.js'
import { type Cluster, startCluster } from '../../etcd/index.js'
import { createPeers } from '../../etcd/peers.js'
import { startRelay } from '../../etcd/relay.js'
import { V2Operator } from '../../etcd/v2-operator.js'
import { PATIENCE_MS } from '../../patience.js'
import { Recorder } from '../recorder.js'

const call = { timeoutMs: 5_000 }
const replacements = [
  { what: 'as the same cluster', cluster: 'same' },
  { what: 'as another cluster', cluster: 'another' },
] as const

let path: string

beforeEach(() => {
  path = `history/${randomUUID()}`
})

describe.each([1, 3] as const)('etcd, of %i, loses all its data and comes back', (size) => {
  test.each(replacements)(
    'empty, $what: a watch tells so, and what happens then',
    async ({ cluster }) => {
      const etcd = await start(size)
      const scene = await watched(etcd)
      await begin(etcd, () => etcd.data.erase({ cluster }))
      await scene.recorder.firstOf(null)
      expect(scene.resets).toEqual([['held']])
      const peer = storeAt(etcd)
      await peer.claim(path, 'new', await peer.grant(60), call)
      await scene.recorder.firstOf('new')
      expect(scene.recorder.texts).toEqual(['held', null, 'new'])
      expect(scene.resets).toHaveLength(1)
    },
  )

  test.each(replacements)(
    '$what, and another holds the path at once: a watch tells whom',
    async ({ cluster }) => {
      const etcd = await start(size)
      const scene = await watched(etcd)
      await begin(etcd, () => etcd.data.erase({ cluster }))
      const peer = storeAt(etcd)
      await peer.claim(path, 'new', await peer.grant(60), call)
      const { revision } = await scene.recorder.firstOf('new')
      expect(revision).toBeLessThan(scene.token)
      expect(scene.resets).toHaveLength(1)
      await operatorOf(etcd).delete(path)
      await scene.recorder.firstOf(null)
    },
  )

  test.each(replacements)(
    '$what, and is filled at once beyond what was known',
    async ({ cluster }) => {
      const etcd = await start(size)
      const scene = await watched(etcd)
      await scene.cut()
      await begin(etcd, () => etcd.data.erase({ cluster }))
      const peer = storeAt(etcd)
      await peer.claim(path, 'new', await peer.grant(60), call)
      await fill(etcd, scene.token + 50)
      await scene.heal()
      await scene.recorder.firstOf('new')
      expect(scene.resets).toHaveLength(1)
      await operatorOf(etcd).delete(path)
      await scene.recorder.firstOf(null)
    },
  )

  test('and no lease or reign of before counts any more', async () => {
    const etcd = await start(size)
    const store = storeAt(etcd)
    let resets = 0
    store.onReset(() => {
      resets += 1
    })
    await fill(etcd, 40)
    const lease = await store.grant(60)
    const claim = await store.claim(path, 'held', lease, call)
    if (!claim.won) throw new Error('lost')
    await begin(etcd, () => etcd.data.erase())
    await expect
      .poll(() => store.renew(lease, call).catch((error) => error))
      .toBeInstanceOf(LeaseGoneError)
    expect(resets).toBe(1)
    const reign = { token: claim.token, lease: lease.id }
    expect(await store.propose(path, 'changed', reign, call)).toBeNull()
    await expect(store.claim(path, 'held', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
    const anew = await store.claim(path, 'anew', await store.grant(60), call)
    expect(anew).toMatchObject({ won: true })
    expect(resets).toBe(1)
  })

  test('and a claim that was on its way meanwhile does not win by a lease of before', async () => {
    const etcd = await start(size)
    const scene = await watched(etcd)
    const lease = await scene.store.grant(60)
    await operatorOf(etcd).delete(path)
    await scene.recorder.firstOf(null)
    await kill(etcd)
    const claim = scene.store.claim(path, 'late', lease, { timeoutMs: 20_000 })
    const answer = claim.then(
      () => 'won',
      (error) => error,
    )
    await etcd.data.erase()
    await revive(etcd)
    expect(await answer).toBeInstanceOf(Error)
    // The claim may have failed for want of a connection; the watch hears of it all the same.
    await expect.poll(() => scene.resets, { timeout: PATIENCE_MS }).toHaveLength(1)
  })
})

describe('it is the same history', () => {
  test('when a member lags behind, and is gone over to', async () => {
    const peers = createPeers()
    onTestFinished(() => peers.stop())
    const etcd = await start(3, (target, host) => peers.advertise(target, host))
    const scene = await watched(etcd)
    const { members } = (await (await fetch(`http://${etcd.endpoints[0]}/v2/members`)).json()) as {
      members: readonly { readonly id: string; readonly name: string }[]
    }
    const id = members.find(({ name }) => name === 'member2')?.id ?? ''
    peers.cutOff(BigInt(`0x${id}`).toString(), 'vanish')
    await fill(etcd, scene.token + 50)
    // Waits go to each member in turn, the one that lags behind included.
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    peers.heal()
    await operatorOf(etcd).set(path, 'after')
    await scene.recorder.firstOf('after')
    expect(scene.resets).toEqual([])
  })

  test('when etcd is restarted', async () => {
    const etcd = await start(1)
    const scene = await watched(etcd)
    await begin(etcd, async () => {})
    await operatorOf(etcd).set(path, 'after')
    await scene.recorder.firstOf('after')
    expect(scene.resets).toEqual([])
  })

  test('when what was before is no longer kept', async () => {
    const etcd = await start(1)
    const scene = await watched(etcd)
    await operatorOf(etcd).compact()
    await operatorOf(etcd).set(path, 'after')
    await scene.recorder.firstOf('after')
    expect(scene.resets).toEqual([])
  })

  test('when raft elects another leader', async () => {
    const etcd = await start(3)
    const scene = await watched(etcd)
    for (const member of etcd.members) {
      await member.kill()
      await operatorOf(
        etcd,
        etcd.members.findIndex((one) => one !== member),
      ).set('other', 'x')
      await member.start()
    }
    await operatorOf(etcd).set(path, 'after')
    await scene.recorder.firstOf('after')
    expect(scene.resets).toEqual([])
  })
})

async function start(
  size: 1 | 3,
  advertisePeer?: (target: string, host: string) => Promise<string>,
): Promise<Cluster> {
  const etcd = await startCluster(size, {
    replaceable: true,
    enableV2: true,
    ...(advertisePeer && { advertisePeer }),
  })
  onTestFinished(etcd.stop)
  return etcd
}

function storeAt({ endpoints }: Pick<Cluster, 'endpoints'>): EtcdjsStore {
  const store = new EtcdjsStore(etcdjs(endpoints))
  onTestFinished(() => store.closeIdle())
  return store
}

function operatorOf({ endpoints }: Cluster, member = 0): V2Operator {
  return new V2Operator(endpoints[member] ?? '')
}

/** A store that watches a path which is held, by a token that a new etcd is far from. */
async function watched(etcd: Cluster) {
  const relays = await Promise.all(etcd.endpoints.map((endpoint) => startRelay(endpoint)))
  onTestFinished(async () => {
    await Promise.all(relays.map((relay) => relay.stop()))
  })
  const store = storeAt({ endpoints: relays.map(({ endpoint }) => endpoint) })
  await fill(etcd, 40)
  await operatorOf(etcd).set(path, 'held')
  const { entry } = await store.read(path, call)
  const token = entry?.token ?? 0
  const recorder = new Recorder()
  /** What had been told each time that the history was replaced. */
  const resets: (string | null)[][] = []
  store.onReset(() => resets.push(recorder.texts))
  const watch = store.watch(path, token, recorder)
  onTestFinished(() => watch.close())
  await recorder.firstOf('held')
  return {
    store,
    token,
    recorder,
    resets,
    cut: () => Promise.all(relays.map((relay) => relay.cut())),
    heal: () => Promise.all(relays.map((relay) => relay.heal())),
  }
}

/** Writes elsewhere until the store has this index. */
async function fill(etcd: Cluster, index: number): Promise<void> {
  const operator = operatorOf(etcd)
  for (;;) {
    const { node } = await operator.set('elsewhere', 'x')
    if (node === undefined || node.modifiedIndex >= index) return
  }
}

async function kill({ members }: Cluster): Promise<void> {
  await Promise.all(members.map((member) => member.kill()))
}

async function revive({ members }: Cluster): Promise<void> {
  await Promise.all(members.map((member) => member.start()))
}

/** Kills all members, and starts them on what is left then. */
async function begin(etcd: Cluster, replace: () => Promise<void>): Promise<void> {
  await kill(etcd)
  await replace()
  await revive(etcd)
}
