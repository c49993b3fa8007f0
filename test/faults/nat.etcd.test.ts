import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished } from 'vitest'
import locked from '../../src/index.js'
import { type Relay, startRelay } from '../etcd/relay.js'
import { observedBy } from '../observing/observed.js'
import { PATIENCE_MS, patiently } from '../patience.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

/** Shorter than any pause between two renewals, and than between two pings. */
const PATIENCE_OF_NAT_MS = 1_500
/** When gRPC's pings have told that a connection is forgotten, and a bit for the next one. */
const PINGED_MS = 13_000
/**
 * When a stream over a connection without pings has been asked for its progress in vain, and so has its
 * member; etcd3's circuit breaker may have opened by then, for 5 s.
 */
const UNPINGED_MS = 34_000

describe('behind NAT that forgets idle connections', () => {
  test('a leader goes on over others, in time for its renewals', async ({ scene }) => {
    const nat = await startBehindNat(scene)
    scene.by = [nat.endpoint]
    const [leader] = await scene.lead('a')
    // It does not know yet that a renewal may take another connection first.
    await renewals(scene, 1)
    const since = now()
    const { ended } = nat
    await renewals(scene, 6)
    scene.expectToStayLeader(leader, { spareMs: scene.ttl * 300 })
    scene.expectToRenewWith(0.4, leader, since)
    if (scene.starvedMs(since, now()) > 100) return
    expect(nat.ended).toBeGreaterThan(ended + 2)
    expect(leader.all('unreachable')).toEqual([])
  })

  test('what a leader does over a forgotten connection is done over another', async ({ scene }) => {
    const nat = await startBehindNat(scene)
    const leader = await scene.launch('a', { by: [nat.endpoint] })
    await leader.start()
    const [follower] = await scene.join('b')
    await untilForgotten(nat)
    const stoppedAt = now()
    await leader.stop()
    const elected = await scene.elected({
      after: stoppedAt,
      among: [follower].flatMap((one) => one ?? []),
    })
    scene.expectInTime(elected.at, stoppedAt, 3_000)
  })

  test.for(['is handed over', 'is deleted', 'is vacant'] as const)(
    'a follower hears within a ttl that the path %s',
    async (what, { scene }) => {
      const nat = await startBehindNat(scene)
      const [leader] = await scene.lead('a')
      const follower = await scene.launch('b', { by: [nat.endpoint] })
      await follower.start()
      await untilForgotten(nat)
      const since = now()
      if (what === 'is handed over') await leader.stop()
      else if (what === 'is deleted') await scene.hand.delete(scene.path)
      else {
        await leader.kill()
        await scene.hand.delete(scene.path)
      }
      const kind = what === 'is handed over' ? 'change' : 'vacant'
      const told = await follower.until(kind, { after: since, timeoutMs: PATIENCE_MS })
      scene.expectInTime(told.at, since, scene.ttl * 1_000)
      const elected = await scene.elected({ after: since })
      scene.expectInTime(elected.at, since, leaderWithinMs(scene.ttl))
    },
  )

  test.for([
    ['a path', 'hosts', PINGED_MS],
    ['a prefix', 'hosts', PINGED_MS],
    ['a path', 'a client of its own', UNPINGED_MS],
    ['a prefix', 'a client of its own', UNPINGED_MS],
  ] as const)(
    'who only observes %s by %s hears in time',
    async ([what, by, withinMs], { scene }) => {
      const nat = await startBehindNat(scene)
      const client = by === 'hosts' ? null : new Etcd3({ hosts: `http://${nat.endpoint}` })
      const locker = locked(client ?? nat.endpoint)
      onTestFinished(async () => {
        await locker.close()
        client?.close()
      })
      const told = observedBy(locker.observe(scene.path, { prefix: what === 'a prefix' }))
      await patiently(() => expect(told).toContain('known'))
      await untilForgotten(nat)
      const since = now()
      await scene.hand.put(scene.path, JSON.stringify({ id: 'b', value: 1, instance: 'of b' }))
      await patiently(() => expect(told).toContain(`${scene.path} b=1`))
      scene.expectInTime(now(), since, withinMs)
    },
  )
})

async function startBehindNat(scene: Scene): Promise<Relay> {
  scene.ttl = 8
  const { endpoint } = (await scene.startEtcd()).members[0] ?? { endpoint: '' }
  const nat = await startRelay(endpoint, { forgetsIdleMs: PATIENCE_OF_NAT_MS })
  onTestFinished(() => nat.stop())
  return nat
}

/** Resolves once it has forgotten one more connection. */
async function untilForgotten(nat: Relay): Promise<void> {
  const { ended } = nat
  await patiently(() => expect(nat.ended).toBeGreaterThan(ended))
}

async function renewals(scene: Scene, count: number): Promise<void> {
  const since = now()
  const [leader] = scene.competitors
  const renewed = () => (leader?.all('refresh', since).length ?? 0) >= count
  await leader?.untilTrue(renewed, `${count} renewals`, PATIENCE_MS)
}
