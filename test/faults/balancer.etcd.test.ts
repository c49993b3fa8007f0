import { describe, expect, onTestFinished } from 'vitest'
import { raftLeaderOf } from '../etcd/raft.js'
import { type Habits, type Relay, startRelay } from '../etcd/relay.js'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

/** An election of etcd's own: see cluster.etcd.test.ts. */
const RAFT_ELECTION_MS = 3_000
/** What a machine may make processes wait that is no fault of theirs, in milliseconds. */
const STARVED_MS = 100

describe('behind a load balancer, each of whose connections goes to another member', () => {
  test('a node is elected, renews over the same connection, follows, and hands over', async ({
    scene,
  }) => {
    const balancer = await startBalanced(scene)
    const [leader, follower] = await scene.lead('a', 'b', 'c')
    for (const taken of balancer.taken) expect(taken).toBeGreaterThan(0)
    const [opened, since] = [balancer.opened, now()]
    await renewals(leader, 6)
    scene.expectToStayLeader(leader, { spareMs: scene.ttl * 400 })
    scene.expectToRenewWith(0.4, leader)
    if (scene.starvedMs(since, now()) < STARVED_MS) {
      expect(balancer.opened).toBe(opened)
      expect(leader.all('unreachable')).toEqual([])
    }
    await expectToGoOn(scene, leader, follower)
  })

  test('goes on with the others when a member dies', async ({ scene }) => {
    await startBalanced(scene)
    const [leader, follower] = await scene.lead('a', 'b', 'c')
    const { members, endpoints } = scene.cluster
    const raftLeader = await raftLeaderOf(endpoints)
    const killed = members.filter((_, index) => index !== raftLeader)
    for (const member of killed) {
      await member.kill()
      await renewals(leader, 2)
      await member.start()
    }
    // A lost connection is noticed at once, and another one needs far less than what is left.
    scene.expectToStayLeader(leader, { spareMs: scene.ttl * 300 })
    await expectToGoOn(scene, (await scene.led()).leader, follower)
  })

  test('has one leader within ttl + 3 s of etcd having a raft leader again', async ({ scene }) => {
    await startBalanced(scene)
    const [, follower] = await scene.lead('a', 'b', 'c')
    const { members, endpoints } = scene.cluster
    const raftLeader = members[await raftLeaderOf(endpoints)]
    const killedAt = now()
    await raftLeader?.kill()
    const elected = await scene.led()
    await elected.leader.until('refresh', { after: killedAt, timeoutMs: PATIENCE_MS })
    scene.expectInTime(now(), killedAt, RAFT_ELECTION_MS + leaderWithinMs(scene.ttl))
    await raftLeader?.start()
    await expectToGoOn(scene, (await scene.led()).leader, follower)
  })

  test.for<[string, Habits]>([
    ['is idle', { resetsIdleMs: 1_000 }],
    ['has a certain age', { resetsOldMs: 2_000 }],
  ])('keeps its leader though the balancer resets what %s', async ([, habits], { scene }) => {
    const balancer = await startBalanced(scene, habits)
    const [leader, follower] = await scene.lead('a', 'b')
    const { ended } = balancer
    await renewals(leader, 6)
    expect(balancer.ended).toBeGreaterThan(ended)
    scene.expectToStayLeader(leader, { spareMs: scene.ttl * 300 })
    scene.expectToRenewWith(0.4, leader)
    await expectToGoOn(scene, leader, follower)
  })
})

async function startBalanced(scene: Scene, habits?: Habits): Promise<Relay> {
  scene.ttl = 5
  const { endpoints } = await scene.startEtcd(3)
  const balancer = await startRelay(endpoints, habits)
  onTestFinished(() => balancer.stop())
  scene.by = [balancer.endpoint]
  return balancer
}

async function renewals(leader: Competitor, count: number): Promise<void> {
  const since = now()
  const renewed = () => leader.all('refresh', since).length >= count
  await leader.untilTrue(renewed, `${count} renewals`, PATIENCE_MS)
}

/** Its followers hear of its values, and one of them leads after it. */
async function expectToGoOn(
  scene: Scene,
  leader: Competitor,
  follower: Competitor | undefined,
): Promise<void> {
  const other = follower === leader ? scene.competitors[0] : follower
  const proposedAt = now()
  await leader.call('propose', { value: 'another value' })
  const seen = await other?.until('change', {
    after: proposedAt,
    timeoutMs: PATIENCE_MS,
    where: (told) => 'value' in told && told.value === 'another value',
  })
  scene.expectInTime(seen?.at ?? Number.POSITIVE_INFINITY, proposedAt, leaderWithinMs(scene.ttl))
  const stoppedAt = now()
  await leader.stop()
  const elected = await scene.elected({ after: stoppedAt })
  scene.expectInTime(elected.at, stoppedAt, leaderWithinMs(scene.ttl))
}
