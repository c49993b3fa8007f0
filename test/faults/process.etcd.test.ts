import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import { type Competitor, isKind, type Told } from './competitor.js'
import { findFakeTime } from './faketime.js'
import { client } from './hand.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

describe('a leader whose process is stopped for two ttls and continued', () => {
  test('is never leader on waking, not even in the first microtask; deselect is its first event', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader, other] = await twoOf(scene)
    const looks = leader.call('standStill')
    const { at: stoppedAt } = await leader.until('blocked', { timeoutMs: PATIENCE_MS })
    await sleep(2 * scene.ttl * 1_000)
    void leader.resume()
    expect(await looks).toEqual({ atOnce: false, inMicrotask: false })
    expect(await firstEvent(leader, stoppedAt)).toMatchObject({
      kind: 'deselect',
      reason: 'expired',
    })
    const elected = await scene.elected({ after: stoppedAt })
    expect(elected.leader).toBe(other)
    scene.expectInTime(elected.at, stoppedAt, leaderWithinMs(scene.ttl))
  })

  test('while it was idle: the same', async ({ scene }) => {
    await scene.startEtcd()
    const [leader] = await twoOf(scene)
    const stoppedAt = await suspendFor(leader, 2 * scene.ttl)
    const resumedAt = now()
    expect(await firstEvent(leader, stoppedAt)).toMatchObject({
      kind: 'deselect',
      reason: 'expired',
    })
    expectNotLeaderSince(leader, resumedAt)
  })

  test.skipIf(client === 'etcdjs')('cannot write under its guard any more', async ({ scene }) => {
    await scene.startEtcd()
    const [leader] = await scene.lead('a', 'b')
    await leader.call('guard')
    expect(await leader.call('commit', { key: 'guarded', value: 'as leader' })).toBe(true)
    await suspendFor(leader, 2 * scene.ttl)
    const committed = leader.call('commit', { key: 'guarded', value: 'as former leader' })
    await expect(leader.call('guard')).rejects.toMatchObject({ name: 'NotLeaderError' })
    // Its connection may have been given up: then the write fails in another way.
    expect(await committed.catch(() => false)).toBe(false)
    expect(await scene.operator.get('guarded').string()).toBe('as leader')
  })
})

describe('a leader whose event loop is blocked for two ttls', () => {
  test('is never leader after it, not even in the first microtask; deselect is its first event', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader, other] = await twoOf(scene)
    const looks = leader.call('block', { ms: 2 * scene.ttl * 1_000 })
    const { at: blockedAt } = await leader.until('blocked', { timeoutMs: PATIENCE_MS })
    expect(await looks).toEqual({ atOnce: false, inMicrotask: false })
    expect(await firstEvent(leader, blockedAt)).toMatchObject({
      kind: 'deselect',
      reason: 'expired',
    })
    const elected = await scene.elected({ after: blockedAt })
    expect(elected.leader).toBe(other)
    scene.expectInTime(elected.at, blockedAt, leaderWithinMs(scene.ttl))
  })
})

describe('a leader whose process dies by kill -9', () => {
  test('is followed by another leader within ttl + 3 s', async ({ scene }) => {
    await scene.startEtcd()
    const [leader, other] = await twoOf(scene)
    const killedAt = now()
    await leader.kill()
    const elected = await scene.elected({ after: killedAt })
    expect(elected.leader).toBe(other)
    scene.expectInTime(elected.at, killedAt, leaderWithinMs(scene.ttl))
  })
})

describe('a leader whose wall clock jumps', () => {
  for (const { jump, offset, after } of [
    { jump: 'an hour forward', offset: '+3600', after: ['expired'] },
    { jump: 'an hour back', offset: '-3600', after: [] },
  ]) {
    test(`${jump}: never two leaders, and one within ttl + 3 s`, async ({ scene }) => {
      await scene.startEtcd()
      const clock = await fakeClock()
      const leader = await scene.launch('a', { env: clock.env })
      await leader.start()
      await leader.until('select', { timeoutMs: PATIENCE_MS })
      await scene.join('b')
      const jumpedAt = now()
      const { wall } = (await leader.call('clocks')) as { wall: number }
      clock.set(offset)
      const jumped = (await leader.call('clocks')) as { wall: number }
      expect(Math.abs(jumped.wall - wall)).toBeGreaterThan(3_000_000)
      await sleep(2 * scene.ttl * 1_000)
      // Forward, its session is over at once: it cannot know that it was not suspended for an hour.
      const jumpEndsIt = leader.all('deselect').slice(0, after.length)
      expect(jumpEndsIt.map((told) => 'reason' in told && told.reason)).toEqual(after)
      const spareMs = scene.ttl * 1_000 * 0.4
      scene.expectToStayLeader(leader, { after: jumpEndsIt.at(-1)?.at ?? 0, spareMs })
      await expectOneLeader(scene)

      clock.set('+0')
      await sleep(2 * scene.ttl * 1_000)
      const led = await expectOneLeader(scene)
      if (led.at > jumpedAt) scene.expectInTime(led.at, jumpedAt, leaderWithinMs(2 * scene.ttl))
      clock.remove()
    })
  }
})

describe('a leader whose machine is suspended, so that its monotonic clock stands still', () => {
  test('is never leader on waking; deselect is its first event', async ({ scene }) => {
    await scene.startEtcd()
    const [leader] = await twoOf(scene, { suspendable: true })
    const looks = leader.call('block', { ms: 2 * scene.ttl * 1_000, suspend: true })
    const { at: suspendedAt } = await leader.until('blocked', { timeoutMs: PATIENCE_MS })
    expect(await looks).toEqual({ atOnce: false, inMicrotask: false })
    expect(await firstEvent(leader, suspendedAt)).toMatchObject({
      kind: 'deselect',
      reason: 'expired',
    })
    const elected = await scene.elected({ after: suspendedAt })
    scene.expectInTime(elected.at, suspendedAt, leaderWithinMs(scene.ttl))
  })
})

/** Two, of which the first leads. On a busy machine that need not be the one that was started first. */
async function twoOf(
  scene: Scene,
  options: { readonly suspendable?: boolean } = {},
): Promise<readonly [leader: Competitor, other: Competitor]> {
  const [a, b] = [await scene.launch('a', options), await scene.launch('b', options)]
  await a.start()
  await b.start()
  const { leader } = await scene.led()
  return leader === a ? [a, b] : [b, a]
}

/** Resolves with when it stood still. */
async function suspendFor(competitor: Competitor, seconds: number): Promise<number> {
  competitor.suspend()
  const at = now()
  await sleep(seconds * 1_000)
  void competitor.resume()
  return at
}

/** The first that it tells of the election, or of its troubles. */
async function firstEvent(competitor: Competitor, after: number): Promise<Told> {
  const silent = ['sample', 'stall', 'awake', 'blocked']
  const isEvent = (told: Told) => !silent.some((kind) => isKind(told, kind))
  const find = () => competitor.told.find((told) => told.at > after && isEvent(told))
  await competitor.untilTrue(() => find() !== undefined, 'event', PATIENCE_MS)
  const found = find()
  if (found === undefined) throw new Error('no event')
  return found
}

function expectNotLeaderSince(competitor: Competitor, since: number): void {
  const selectedAgainAt = competitor.all('select', since)[0]?.at ?? Number.POSITIVE_INFINITY
  const wrong = competitor
    .all('sample', since)
    .filter((told) => 'isLeader' in told && told.isLeader && told.at < selectedAgainAt)
  expect(wrong).toEqual([])
}

async function expectOneLeader(scene: Scene) {
  const led = await scene.led()
  expect(await led.leader.call('state')).toMatchObject({ isLeader: true })
  return led
}

/** The wall clock of one process, to be set as one likes: `+3600` is an hour ahead. */
async function fakeClock() {
  const file = join(tmpdir(), `locked-clock-${process.pid}-${now()}`)
  const set = (offset: string) => writeFileSync(file, `${offset}\n`)
  set('+0')
  const env = {
    LD_PRELOAD: await findFakeTime(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  return { env, set, remove: () => rmSync(file) }
}
