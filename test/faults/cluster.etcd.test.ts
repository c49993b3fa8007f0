import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished } from 'vitest'
import { createPeers } from '../etcd/peers.js'
import { raftLeaderOf } from '../etcd/raft.js'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

/** An election of etcd's own: 1 s until a follower stands for it, up to another by chance, and again on a split vote. */
const RAFT_ELECTION_MS = 3_000

describe('of three members the raft leader is killed', () => {
  test('never two leaders, and one within ttl + 3 s of etcd having a leader again', async ({
    scene,
  }) => {
    const { members } = await scene.startEtcd(3)
    const competitors = await scene.lead('a', 'b', 'c')
    const raftLeader = members[await raftLeaderOf(scene.cluster.endpoints)]
    await raftLeader?.kill()
    await untilWritable(scene)
    const reachableAt = now()
    const led = await ledSince(scene, reachableAt)
    scene.expectInTime(led, reachableAt, leaderWithinMs(scene.ttl))
    await raftLeader?.start()
    await expectAgreement(scene, competitors)
  })
})

describe('of three members one is cut off from its peers', () => {
  for (const how of ['vanish', 'reset'] as const) {
    test(`with the node that leads (${how}): it deselects, another is elected, and it follows after healing`, async ({
      scene,
    }) => {
      const { cutOff, heal } = await startWithPeers(scene)
      const leader = await launchAt(scene, 'a', 0)
      await leader.start()
      await leader.until('select', { timeoutMs: PATIENCE_MS })
      await scene.join('b', 'c')
      const cutAt = now()
      cutOff(0, how)
      const deselected = await leader.until('deselect', { after: cutAt, timeoutMs: PATIENCE_MS })
      const elected = await scene.elected({ after: cutAt })
      expect(elected.leader).not.toBe(leader)
      scene.expectBefore(leader, deselected, elected.told)
      scene.expectInTime(elected.at, cutAt, RAFT_ELECTION_MS + leaderWithinMs(scene.ttl))
      heal()
      const healedAt = now()
      const seen = await leader.until('change', { after: healedAt, timeoutMs: PATIENCE_MS })
      scene.expectInTime(seen.at, healedAt, RAFT_ELECTION_MS + leaderWithinMs(scene.ttl))
    })

    test(`with a follower (${how}): it hears of the next change, since its hosts name all three`, async ({
      scene,
    }) => {
      const { cutOff } = await startWithPeers(scene)
      const others = await scene.lead('a', 'b')
      const follower = await launchAt(scene, 'c', 0)
      await follower.start()
      // It is connected to the first member now, and may go over to the others.
      for (const relay of follower.relays) await relay.heal()
      const cutAt = now()
      cutOff(0, how)
      // The rest may have to elect a raft leader, and the leader of this test to go over as well.
      await untilWritable(scene, 1)
      const reachableAt = now()
      // Whoever leads by now: a busy machine may have taken longer than the leader's session lasts.
      for (const competitor of [...others, follower]) {
        await competitor.call('propose', { value: 'the next value' })
      }
      const seen = await follower.until('change', {
        after: cutAt,
        timeoutMs: PATIENCE_MS,
        where: (told) => 'value' in told && told.value === 'the next value',
      })
      scene.expectInTime(seen.at, reachableAt, leaderWithinMs(scene.ttl))
    })
  }
})

describe('of three members one after the other is restarted under load', () => {
  test('never two leaders, and in the end one that all agree on', async ({ scene }) => {
    const { members } = await scene.startEtcd(3)
    const competitors = await scene.lead('a', 'b', 'c')
    let value = 0
    const load = setInterval(() => {
      value += 1
      for (const competitor of competitors) {
        if (competitor.leadership !== null) void competitor.call('propose', { value })
      }
    }, 50)
    onTestFinished(() => clearInterval(load))
    for (const member of members) {
      await member.kill()
      await sleep(500)
      await member.start()
    }
    const healedAt = now()
    clearInterval(load)
    const led = await ledSince(scene, healedAt)
    scene.expectInTime(led, healedAt, leaderWithinMs(scene.ttl))
    await expectAgreement(scene, competitors)
  })
})

async function startWithPeers(scene: Scene) {
  const peers = createPeers()
  onTestFinished(() => peers.stop())
  await scene.startEtcd(3, { advertisePeer: (target, host) => peers.advertise(target, host) })
  const { members } = await scene.operator.cluster.memberList({})
  const idOf = (index: number) => {
    const member = members.find(({ name }) => name === scene.cluster.members[index]?.name)
    if (member === undefined) throw new Error(`etcd has no member ${index}`)
    return member.ID
  }
  return {
    cutOff: (index: number, how: 'vanish' | 'reset') => peers.cutOff(idOf(index), how),
    heal: () => peers.heal(),
  }
}

/** Launches a competitor that reaches one member only. */
async function launchAt(scene: Scene, name: string, member: number): Promise<Competitor> {
  const competitor = await scene.launch(name)
  for (const [index, relay] of competitor.relays.entries()) {
    if (index !== member) await relay.cut()
  }
  return competitor
}

/** Resolves once a write goes through, at a member from this one on. */
async function untilWritable(scene: Scene, from = 0): Promise<void> {
  await Promise.any(
    scene.cluster.endpoints.slice(from).map(async (endpoint) => {
      const client = new Etcd3({ hosts: `http://${endpoint}` })
      try {
        await expect
          .poll(
            () =>
              client.kv
                .put(
                  { key: Buffer.from('any'), value: Buffer.from('any') },
                  { deadline: Date.now() + 2_000 },
                )
                .then(
                  () => true,
                  () => false,
                ),
            { timeout: PATIENCE_MS, interval: 50 },
          )
          .toBe(true)
      } finally {
        client.close()
      }
    }),
  )
}

/** When the present leadership began, but not before `since`. */
async function ledSince(scene: Scene, since: number): Promise<number> {
  // A leadership whose end is not known yet is none: it must outlast the validity.
  await sleep(scene.ttl * 1_000)
  return Math.max((await scene.led()).at, since)
}

async function expectAgreement(scene: Scene, competitors: readonly Competitor[]): Promise<void> {
  const { leader } = await scene.led()
  for (const competitor of competitors) {
    await expect
      .poll(async () => ((await competitor.call('state')) as { holder: unknown }).holder, {
        timeout: PATIENCE_MS,
      })
      .toBe(leader.settings.id)
  }
}
