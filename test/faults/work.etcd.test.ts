import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

describe('the work of a leader', () => {
  test('is aborted before another node could be leader, when its connection freezes', async ({
    scene,
  }) => {
    const [leader, other] = await working(scene)
    leader.freeze()
    const aborted = await leader.until('aborted', { timeoutMs: PATIENCE_MS })
    const works = await other.until('work', { timeoutMs: PATIENCE_MS })
    scene.expectBefore(leader, aborted, works)
  })

  test('may end before stop releases', async ({ scene }) => {
    scene.ttl = 5
    const [leader, other] = await working(scene, { lingerMs: 1_500 })
    await leader.until('refresh', { after: now(), timeoutMs: PATIENCE_MS })
    const stoppedAt = now()
    await leader.stop()
    const worked = await leader.until('worked', { after: stoppedAt, timeoutMs: PATIENCE_MS })
    const works = await other.until('work', { timeoutMs: PATIENCE_MS })
    expect(worked.at).toBeLessThan(works.at)
    // Not only when its lease expires, which had just been renewed.
    scene.expectInTime(works.at, worked.at, 1_500)
  })

  test('that does not end is waited for by stop, but not past validity', async ({ scene }) => {
    const [leader, other] = await working(scene, { lingerMs: 60_000 })
    const stoppedAt = now()
    await leader.stop()
    scene.expectInTime(now(), stoppedAt, scene.ttl * 1_000)
    const works = await other.until('work', { timeoutMs: PATIENCE_MS })
    scene.expectInTime(works.at, stoppedAt, leaderWithinMs(scene.ttl))
  })

  test('that is waited for by stop while the connection is frozen: not past validity either', async ({
    scene,
  }) => {
    const [leader, other] = await working(scene, { lingerMs: 60_000 })
    leader.freeze()
    const stoppedAt = now()
    const stopped = leader.stop()
    const works = await other.until('work', { timeoutMs: PATIENCE_MS })
    scene.expectInTime(works.at, stoppedAt, leaderWithinMs(scene.ttl))
    await stopped
  })

  test('that throws is told by error, and leadership goes to another node', async ({ scene }) => {
    // The session does not end before the work, however long a busy machine lets the process wait.
    scene.ttl = 10
    const [leader, other] = await working(scene, { failAfterMs: 500 })
    // On a busy machine the work fails before that.
    const joinedAt = now()
    const error = await leader.until('error', { timeoutMs: PATIENCE_MS })
    expect(error).toMatchObject({
      name: 'WorkError',
      message: expect.stringMatching(/the work failed/),
    })
    const deselected = await leader.until('deselect', { timeoutMs: PATIENCE_MS })
    expect(deselected).toMatchObject({ reason: 'failed' })
    const works = await other.until('work', { timeoutMs: PATIENCE_MS })
    scene.expectInTime(works.at, Math.max(error.at, joinedAt), 1_000)
    await sleep(2_000)
    expect(leader.all('select')).toHaveLength(1)
  })
})

/** A leader with this work, and a follower whose work lasts. */
async function working(scene: Scene, work: Readonly<Record<string, number>> = {}) {
  await scene.startEtcd()
  const leader = await scene.launch('a')
  await leader.call('lead', work)
  await leader.start()
  await leader.until('work', { timeoutMs: PATIENCE_MS })
  const other = await scene.launch('b')
  await other.call('lead')
  await other.start()
  return [leader, other] as const
}
