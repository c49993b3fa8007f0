import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Member } from '../etcd/index.js'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

/** Within how many milliseconds a node is connected to an etcd that is there again. */
const RECONNECTS_WITHIN_MS = 1_500

describe('etcd is killed', () => {
  test('and restarted at once: the leader stays leader', async ({ scene }) => {
    scene.ttl = 5
    const [member] = (await scene.startEtcd()).members
    const [leader] = await scene.lead('a', 'b')
    await expectToOutliveRestart(scene, leader, member, 0)
  })

  test('and is down for half a ttl: the leader stays leader where its lease survived', async ({
    scene,
  }) => {
    scene.ttl = 5
    const [member] = (await scene.startEtcd()).members
    const [leader] = await scene.lead('a', 'b')
    await expectToOutliveRestart(scene, leader, member, (scene.ttl * 1_000) / 2)
  })
})

describe('etcd is down for three ttls, then back: exactly one leader within ttl + 3 s', () => {
  test('when the former leader reconnects first', async ({ scene }) => {
    await comeBack(scene, (leader, other) => [leader, other])
  })

  test('when the follower reconnects first', async ({ scene }) => {
    await comeBack(scene, (leader, other) => [other, leader])
  })

  test('when all reconnect at once', async ({ scene }) => {
    const [member] = (await scene.startEtcd()).members
    const competitors = await scene.lead('a', 'b', 'c')
    const pids = competitors.map(({ pid }) => pid)
    await member?.kill()
    await sleep(3 * scene.ttl * 1_000)
    expect(scene.competitors.filter(({ leadership }) => leadership !== null)).toEqual([])
    await member?.start()
    const reachableAt = now()
    const led = await scene.led()
    scene.expectInTime(led.at, reachableAt, leaderWithinMs(scene.ttl))
    await expectAllToKnow(scene, led.leader, reachableAt)
    expect(competitors.map(({ pid, isRunning }) => isRunning && pid)).toEqual(pids)
  })
})

describe('history is compacted while a follower’s watch is down', () => {
  test('and the holder changes meanwhile: the follower hears of the new one', async ({ scene }) => {
    await scene.startEtcd()
    const [leader, follower, third] = await scene.lead('a', 'b', 'c')
    if (follower === undefined || third === undefined) throw new Error('three were asked for')
    follower.freeze()
    const stoppedAt = now()
    await leader.stop()
    await scene.elected({ after: stoppedAt, among: [third] })
    await scene.hand.compact()
    const healedAt = now()
    await follower.heal()
    const seen = await follower.until('change', { after: healedAt, timeoutMs: PATIENCE_MS })
    expect(seen).toMatchObject({ nodeid: 'c', value: 'value of c' })
    scene.expectInTime(seen.at, healedAt, leaderWithinMs(scene.ttl))
  })

  test('and the path is vacant meanwhile: the follower is elected', async ({ scene }) => {
    await scene.startEtcd()
    const [leader, follower] = await scene.lead('a', 'b')
    if (follower === undefined) throw new Error('two were asked for')
    await follower.cut()
    await leader.stop()
    await scene.hand.compact()
    const healedAt = now()
    await follower.heal()
    const elected = await scene.elected({ after: healedAt })
    expect(elected.leader).toBe(follower)
    scene.expectInTime(elected.at, healedAt, leaderWithinMs(scene.ttl))
  })
})

/** Kills the member just after a renewal, so that the leader’s lease has time left, and starts it. */
async function expectToOutliveRestart(
  scene: Scene,
  leader: Competitor,
  member: Member | undefined,
  downMs: number,
): Promise<void> {
  const renewed = await leader.until('refresh', { after: now(), timeoutMs: PATIENCE_MS })
  await member?.kill()
  // A start takes a while itself.
  await sleep(Math.max(0, downMs - 500))
  await member?.start()
  const healthyAt = now()
  const led = await scene.led()
  const leftMs = renewed.at + scene.ttl * 900 - healthyAt
  if (leftMs > RECONNECTS_WITHIN_MS) {
    await led.leader.until('refresh', { after: healthyAt, timeoutMs: PATIENCE_MS })
    scene.expectToStayLeader(leader, { spareMs: leftMs - RECONNECTS_WITHIN_MS })
  }
  // Otherwise etcd took so long to start that its lease did not survive for the leader.
  scene.expectInTime(Math.max(led.at, healthyAt), healthyAt, leaderWithinMs(scene.ttl))
}

/** Lets etcd be down for three ttls; then these reconnect one after the other. */
async function comeBack(
  scene: Scene,
  order: (leader: Competitor, other: Competitor) => readonly [Competitor, Competitor],
): Promise<void> {
  const [member] = (await scene.startEtcd()).members
  const [leader, other] = await scene.lead('a', 'b')
  if (other === undefined) throw new Error('two were asked for')
  const pids = scene.competitors.map(({ pid }) => pid)
  await member?.kill()
  await Promise.all([leader.cut(), other.cut()])
  await sleep(3 * scene.ttl * 1_000)
  expect(scene.competitors.filter(({ leadership }) => leadership !== null)).toEqual([])
  await member?.start()

  const [first, second] = order(leader, other)
  const reachableAt = now()
  await first.heal()
  const elected = await scene.elected({ after: reachableAt })
  expect(elected.leader).toBe(first)
  scene.expectInTime(elected.at, reachableAt, leaderWithinMs(scene.ttl))

  const secondAt = now()
  await second.heal()
  await expectAllToKnow(scene, first, secondAt)
  await sleep(2 * scene.ttl * 1_000)
  expect((await scene.led()).leader).toBe(first)
  expect(scene.competitors.map(({ pid, isRunning }) => isRunning && pid)).toEqual(pids)
}

/** Everyone says who leads, in time. */
async function expectAllToKnow(scene: Scene, leader: Competitor, since: number): Promise<void> {
  const { id } = leader.settings
  for (const competitor of scene.competitors) {
    await expect
      .poll(async () => ((await competitor.call('state')) as { holder: unknown }).holder, {
        timeout: PATIENCE_MS,
      })
      .toBe(id)
    scene.expectInTime(now(), since, leaderWithinMs(scene.ttl))
  }
}
