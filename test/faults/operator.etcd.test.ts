import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import { client } from './hand.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

describe('an operator', () => {
  test.skipIf(client === 'etcdjs')(
    'revokes the lease: the leader deselects, and there is one leader again within ttl + 3 s',
    async ({ scene }) => {
      await scene.startEtcd()
      const [leader] = await scene.lead('a', 'b')
      const { kvs } = await scene.operator.get(scene.path).exec()
      const revokedAt = now()
      await scene.operator.leaseClient.leaseRevoke({ ID: kvs[0]?.lease ?? '' })
      await leader.until('deselect', { after: revokedAt, timeoutMs: PATIENCE_MS })
      const elected = await scene.elected({ after: revokedAt })
      scene.expectInTime(elected.at, revokedAt, leaderWithinMs(scene.ttl))
    },
  )

  test('deletes the key: the leader deselects, and there is one leader again within ttl + 3 s', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader] = await scene.lead('a', 'b')
    const deletedAt = now()
    await scene.hand.delete(scene.path)
    const deselected = await leader.until('deselect', { after: deletedAt, timeoutMs: PATIENCE_MS })
    expect(deselected).toMatchObject({ reason: 'vacated' })
    const elected = await scene.elected({ after: deletedAt })
    scene.expectInTime(elected.at, deletedAt, leaderWithinMs(scene.ttl))
  })

  test('overwrites the key with junk: the leader deselects, all see the junk, and nobody leads until it is gone', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader, other] = await scene.lead('a', 'b')
    if (other === undefined) throw new Error('two were asked for')
    const overwrittenAt = now()
    scene.wrote('{not a record', null)
    await scene.hand.put(scene.path, '{not a record')
    const deselected = await leader.until('deselect', {
      after: overwrittenAt,
      timeoutMs: PATIENCE_MS,
    })
    expect(deselected).toMatchObject({ reason: 'overwritten' })
    for (const competitor of [leader, other]) {
      const seen = await competitor.until('change', {
        after: overwrittenAt,
        timeoutMs: PATIENCE_MS,
      })
      expect(seen).toMatchObject({ value: '{not a record', nodeid: null })
    }
    // The lease that the record was attached to may run out: the junk is not attached to it.
    await sleep(scene.ttl * 1_500)
    expect(await scene.hand.get(scene.path)).toBe('{not a record')
    expect(scene.competitors.flatMap((one) => one.all('select', overwrittenAt))).toEqual([])

    const deletedAt = now()
    await scene.hand.delete(scene.path)
    const elected = await scene.elected({ after: deletedAt })
    scene.expectInTime(elected.at, deletedAt, leaderWithinMs(scene.ttl))
  })

  test('overwrites the key with a record of another node: the leader deselects and follows it', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader, other] = await scene.lead('a', 'b')
    if (other === undefined) throw new Error('two were asked for')
    const overwrittenAt = now()
    scene.wrote('value of x', 'x')
    const record = JSON.stringify({ id: 'x', value: 'value of x', instance: 'x' })
    await scene.hand.put(scene.path, record, scene.ttl)
    const deselected = await leader.until('deselect', {
      after: overwrittenAt,
      timeoutMs: PATIENCE_MS,
    })
    expect(deselected).toMatchObject({ reason: 'overwritten' })
    for (const competitor of [leader, other]) {
      const seen = await competitor.until('change', {
        after: overwrittenAt,
        timeoutMs: PATIENCE_MS,
      })
      expect(seen).toMatchObject({ value: 'value of x', nodeid: 'x' })
    }
    // Nobody renews x’s lease.
    const elected = await scene.elected({ after: overwrittenAt })
    expect(elected.at - overwrittenAt).toBeGreaterThan(scene.ttl * 1_000 - 100)
    scene.expectInTime(elected.at, overwrittenAt, leaderWithinMs(scene.ttl))
  })

  test('writes the leader’s own record under another lease: its reign is over, and it is elected anew', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader] = await scene.lead('a', 'b')
    const text = await textAt(scene)
    const overwrittenAt = now()
    scene.wrote('value of a', 'a')
    await scene.hand.put(scene.path, text, 60)
    const deselected = await leader.until('deselect', {
      after: overwrittenAt,
      timeoutMs: PATIENCE_MS,
    })
    expect(deselected).toMatchObject({ reason: 'overwritten' })
    const elected = await scene.elected({ after: overwrittenAt })
    scene.expectInTime(elected.at, overwrittenAt, leaderWithinMs(scene.ttl))
  })

  test('writes the leader’s own record under no lease: its reign is over, and nobody overwrites it', async ({
    scene,
  }) => {
    await scene.startEtcd()
    const [leader] = await scene.lead('a', 'b')
    const text = await textAt(scene)
    const overwrittenAt = now()
    scene.wrote('value of a', 'a')
    await scene.hand.put(scene.path, text)
    await leader.until('deselect', { after: overwrittenAt, timeoutMs: PATIENCE_MS })
    await sleep(scene.ttl * 1_500)
    expect(scene.competitors.flatMap((one) => one.all('select', overwrittenAt))).toEqual([])

    const deletedAt = now()
    await scene.hand.delete(scene.path)
    const elected = await scene.elected({ after: deletedAt })
    scene.expectInTime(elected.at, deletedAt, leaderWithinMs(scene.ttl))
  })
})

async function textAt(scene: Scene): Promise<string> {
  const text = await scene.hand.get(scene.path)
  if (text === null) throw new Error(`nothing stands at ${scene.path}`)
  return text
}
