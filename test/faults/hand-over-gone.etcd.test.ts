import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { PathWatch } from './path-watch.js'
import { leaderWithinMs, type Scene, test } from './scene.js'
import { tokenOf } from './token.js'

/** How a process comes to be gone, and comes back where it can. */
const ends: Readonly<Record<string, (one: Competitor) => Promise<void> | void>> = {
  killed: (one) => one.kill(),
  'stopped by SIGSTOP': (one) => one.suspend(),
  'cut off': (one) => one.cut(),
  frozen: (one) => one.freeze(),
}

/** How long before the leader stops, in ttls: its entry stands there yet, or is about to go. */
const moments = { 'just before': 0, 'a ttl before': 1 }

describe('the only candidate is', () => {
  for (const [end, go] of Object.entries(ends)) {
    for (const [moment, ttls] of Object.entries(moments)) {
      test(`${end} ${moment} its leader stops: a leader within ttl + 3 s`, async ({ scene }) => {
        const [leader, candidate] = await begin(scene, 'a', 'b')
        const late = await scene.launch('c')
        await go(candidate)
        await sleep(ttls * scene.ttl * 1_000)
        const stoppedAt = now()
        await leader.stop()
        // Whoever starts then finds what the candidate left.
        await late.start()
        const elected = await scene.elected({ after: stoppedAt, among: [late] })
        scene.expectInTime(elected.at, stoppedAt, leaderWithinMs(scene.ttl))
        await comeBack(scene, candidate)
      })
    }

    test(`${end} once it is installed, before it is told: a leader within ttl + 3 s`, async ({
      scene,
    }) => {
      const begunAt = now()
      const [leader, candidate] = await begin(scene, 'a', 'b')
      // It is installed, and does not hear of it.
      candidate.freeze()
      const stoppedAt = now()
      await leader.stop()
      const text = await scene.hand.get(scene.path)
      // A session is renewed when half of it is left: whoever has waited for as long may have lost it.
      if (scene.starvedMs(begunAt, now()) < scene.ttl * 500) expect(text).toContain('"id":"b"')
      expect(candidate.all('select')).toEqual([])
      await candidate.heal()
      // It may have renewed its session until now.
      const goneAt = now()
      await go(candidate)
      await leader.start()
      const elected = await scene.elected({ after: stoppedAt, among: runningOf(scene) })
      scene.expectInTime(elected.at, goneAt, leaderWithinMs(scene.ttl))
      await comeBack(scene, candidate)
    })

    test(`${end} as soon as it leads: a leader within ttl + 3 s`, async ({ scene }) => {
      const [leader, candidate] = await begin(scene, 'a', 'b')
      const stoppedAt = now()
      void leader.stop()
      await candidate.until('select', { after: stoppedAt, timeoutMs: PATIENCE_MS })
      const goneAt = now()
      await go(candidate)
      await leader.start()
      const elected = await scene.elected({ after: goneAt, among: [leader] })
      scene.expectInTime(elected.at, goneAt, leaderWithinMs(scene.ttl))
      await comeBack(scene, candidate)
    })
  }
})

describe('the candidate that is next is', () => {
  for (const [end, go] of Object.entries(ends)) {
    test(`${end} while another waits: a leader within ttl + 3 s`, async ({ scene }) => {
      const [leader, other, next] = await begin(scene, 'a', 'b', 'c')
      await go(next)
      const stoppedAt = now()
      await leader.stop()
      const elected = await scene.elected({ after: stoppedAt, among: [other] })
      scene.expectInTime(elected.at, stoppedAt, leaderWithinMs(scene.ttl))
      await comeBack(scene, next)
    })

    test(`${end} until it has missed a renewal: another that waits is installed`, async ({
      scene,
    }) => {
      scene.ttl = 60
      const [leader, other] = await begin(scene, 'a', 'b')
      const watch = await PathWatch.of(scene)
      const next = await scene.launch('c', { ttl: 16 })
      await next.start()
      await go(next)
      await untilLessThanHalfIsLeft(scene, 'c')
      const stoppedAt = now()
      await leader.stop()
      const elected = await scene.elected({ after: stoppedAt, among: [other] })
      // Its session has not ended.
      const hasStarved = scene.starvedMs(stoppedAt, now()) > 3_000
      if (!hasStarved) expect(await entryOf(scene, 'c')).toBeDefined()
      await watch.until(tokenOf(elected.told))
      expect(watch.deleted).toEqual([])
      // By the claim, and by this hand-over.
      expect(watch.written).toHaveLength(2)
      await watch.end()
      await comeBack(scene, next)
    })
  }

  test('stopped at the same moment as its leader: one that stays leads at once', async ({
    scene,
  }) => {
    scene.ttl = 30
    const [leader, other, next] = await begin(scene, 'a', 'b', 'c')
    const stoppedAt = now()
    await Promise.all([leader.stop(), next.stop()])
    const elected = await scene.elected({ after: stoppedAt, among: [other] })
    // Not only when a session has ended.
    scene.expectInTime(elected.at, stoppedAt, 10_000)
  })
})

describe('all processes', () => {
  test('stop at once: nothing is left, and whoever comes next leads at once', async ({ scene }) => {
    scene.ttl = 30
    await scene.startEtcd()
    const names = Array.from({ length: 6 }, (_, index) => `node ${index}`)
    const all = await scene.lead(...names)
    const watch = await PathWatch.of(scene)
    // All have been told to stop before anything of it arrives.
    for (const one of all) one.freeze()
    const stopping = all.map((one) => one.stop())
    const states = await Promise.all(all.map((one) => one.call('state')))
    expect(states).toEqual(all.map(() => expect.objectContaining({ state: 'stopped' })))
    await Promise.all(all.map((one) => one.heal()))
    await Promise.all(stopping)
    expect(await scene.operator.getAll().prefix(scene.path).keys()).toEqual([])
    const stoppedAt = now()
    const [first] = all
    await first.start()
    const elected = await scene.elected({ after: stoppedAt })
    expect(elected.leader).toBe(first)
    scene.expectInTime(elected.at, stoppedAt, 10_000)
    // No cascade: two claims, a notice, and two that were installed as they left, at the most.
    await watch.until(tokenOf(elected.told))
    expect(watch.deleted).toHaveLength(1)
    expect(watch.written.length).toBeLessThanOrEqual(5)
    await watch.end()
  })

  test('are killed at once: whoever comes next leads within ttl + 3 s', async ({ scene }) => {
    const all = await begin(scene, 'a', 'b', 'c')
    const late = await scene.launch('d')
    const killedAt = now()
    await Promise.all(all.map((one) => one.kill()))
    await late.start()
    const elected = await scene.elected({ after: killedAt })
    scene.expectInTime(elected.at, killedAt, leaderWithinMs(scene.ttl))
  })
})

/** The first leads, and the others wait in this order. */
async function begin<Names extends readonly string[]>(
  scene: Scene,
  ...names: Names
): Promise<{ [Name in keyof Names]: Competitor }>
async function begin(scene: Scene, ...names: readonly string[]): Promise<readonly Competitor[]> {
  await scene.startEtcd()
  return await scene.lead(...names)
}

/** The entry of the candidate with that id. */
async function entryOf({ operator, path }: Scene, id: string) {
  const { kvs } = await operator.getAll().prefix(`${path}/.candidates/`).exec()
  return kvs.find(({ value }) => value.toString().includes(`"id":"${id}"`))
}

/** Resolves once the candidate with that id has not renewed its session when half of it was left. */
async function untilLessThanHalfIsLeft(scene: Scene, id: string): Promise<void> {
  const ID = (await entryOf(scene, id))?.lease ?? ''
  await expect
    .poll(async () => {
      const { TTL, grantedTTL } = await scene.operator.leaseClient.leaseTimeToLive({ ID })
      // In whole seconds, rounded down.
      return Number(TTL) + 1 <= Number(grantedTTL) / 2
    })
    .toBe(true)
}

function runningOf(scene: Scene): readonly Competitor[] {
  return scene.competitors.filter(({ isRunning }) => isRunning)
}

/** It may find itself deposed, and there is one leader again. */
async function comeBack(scene: Scene, one: Competitor): Promise<void> {
  if (one.isRunning) {
    await one.heal()
    await one.resume()
  }
  await scene.led()
}
