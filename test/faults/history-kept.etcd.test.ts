import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished } from 'vitest'
import { createPeers } from '../etcd/peers.js'
import { PATIENCE_MS } from '../patience.js'
import type { Told } from './competitor.js'
import { now } from './now.js'
import { write } from './replacing.js'
import { type Scene, test } from './scene.js'

/** What looks like another history at first sight, and is the same. */
describe('the history is the same, and nobody is told of a reset', () => {
  test('when a member lags behind, and nodes go over to it', async ({ scene }) => {
    const peers = createPeers()
    onTestFinished(() => peers.stop())
    scene.ttl = 8
    await scene.startEtcd(3, { advertisePeer: (target, host) => peers.advertise(target, host) })
    const nodes = await scene.lead('a', 'b')
    const lagging = await otherThanRaftLeader(scene)
    peers.cutOff(lagging.id, 'vanish')
    await write(scene, 60)
    // They know of all that by now, and find the one that does not.
    await tellAll(scene, 'news')
    // A session that has just been renewed outlives what follows.
    await untilRenewed(scene)
    for (const node of nodes) {
      for (const [index, relay] of node.relays.entries()) {
        if (index !== lagging.index) await relay.cut()
      }
    }
    // For less than the session is valid.
    await sleep(2_000)
    await Promise.all(nodes.map((node) => node.heal()))
    peers.heal()
    await untilRenewed(scene)
    await tellAll(scene, 'later news')
    expectNoReset(scene)
  })

  test('when etcd is restarted', async ({ scene }) => {
    scene.ttl = 8
    const { members } = await scene.startEtcd()
    await scene.lead('a', 'b')
    await write(scene, 20)
    await Promise.all(members.map((member) => member.kill()))
    await Promise.all(members.map((member) => member.start()))
    await expectToGoOn(scene)
  })

  test('when what was before is compacted under a node that is cut off', async ({ scene }) => {
    scene.ttl = 8
    await scene.startEtcd()
    const nodes = await scene.lead('a', 'b')
    for (const node of nodes) await node.cut()
    await write(scene, 20)
    await scene.hand.compact()
    for (const node of nodes) await node.heal()
    await expectToGoOn(scene)
  })

  test('when one member after the other is restarted, the raft leader among them', async ({
    scene,
  }) => {
    scene.ttl = 8
    const { members } = await scene.startEtcd(3)
    await scene.lead('a', 'b')
    for (const member of members) {
      await write(scene, 10)
      await member.kill()
      await member.start()
    }
    await expectToGoOn(scene)
  })
})

async function expectToGoOn(scene: Scene): Promise<void> {
  await tellAll(scene, 'before that')
  await untilRenewed(scene)
  await tellAll(scene, 'after that')
  expectNoReset(scene)
}

/** Resolves once all of them have heard of a new value, whichever of them leads by then. */
async function tellAll({ competitors }: Scene, value: string): Promise<void> {
  await Promise.all(competitors.map((node) => node.call('propose', { value })))
  const where = (told: Told) => 'value' in told && told.value === value
  const heard = { timeoutMs: PATIENCE_MS, where }
  await Promise.all(competitors.map((node) => node.until('change', heard)))
}

/** Whoever leads has renewed its session. A busy machine may take the leadership from it before. */
async function untilRenewed(scene: Scene): Promise<void> {
  const after = now()
  const renewed = scene.competitors.map((node) =>
    node.until('refresh', { after, timeoutMs: PATIENCE_MS }),
  )
  await Promise.any(renewed)
}

function expectNoReset(scene: Scene): void {
  const ends = scene.competitors.flatMap((node) => node.all('deselect'))
  expect(ends.filter((end) => 'reason' in end && end.reason === 'reset')).toEqual([])
}

async function otherThanRaftLeader(scene: Scene): Promise<{ id: string; index: number }> {
  const { operator, cluster } = scene
  const { leader } = await operator.maintenance.status()
  const { members } = await operator.cluster.memberList({})
  for (const [index, { name }] of cluster.members.entries()) {
    const id = members.find((member) => member.name === name)?.ID
    if (id !== undefined && id !== leader) return { id, index }
  }
  throw new Error('all members are the raft leader')
}
