import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { leaderWithinMs, type Scene, test } from './scene.js'

describe('credentials', () => {
  test('that are wrong from the start: one readable error, and no retry', async ({ scene }) => {
    await startWithUsers(scene)
    const node = await launchAs(scene, 'a', 'competes', 'wrong')
    await expect(node.start()).rejects.toMatchObject({
      name: 'RefusedError',
      message: expect.stringMatching(/authentication failed, invalid user ID or password/),
    })
    await expectToRest(node)
  })

  test('that become wrong while running: the leader says so, and another takes over; it goes on when they are right again', async ({
    scene,
  }) => {
    const { root, leader, other } = await startCompeting(scene)
    const changedAt = now()
    await root.user('competes').setPassword('another')
    await leader.call('propose', { value: 'another value' })
    const told = await leader.until('unreachable', { after: changedAt, timeoutMs: PATIENCE_MS })
    expect(told).toMatchObject({ message: expect.stringMatching(/authentication failed/) })
    const deselected = await leader.until('deselect', { after: changedAt, timeoutMs: PATIENCE_MS })
    expect(deselected).toMatchObject({ reason: 'expired' })
    const elected = await scene.elected({ after: changedAt })
    expect(elected.leader).toBe(other)
    scene.expectInTime(elected.at, deselected.at, leaderWithinMs(scene.ttl))
    const rightAt = now()
    await root.user('competes').setPassword('secret')
    await leader.until('change', { after: rightAt, timeoutMs: PATIENCE_MS })
    expect(await leader.call('state')).toMatchObject({ state: 'follower' })
    expect(leader.all('error')).toEqual([])
  })

  test('whose permission for the path is taken away: the leader says so, and another takes over; it goes on when it is given back', async ({
    scene,
  }) => {
    const { root, leader, other } = await startCompeting(scene)
    const takenAt = now()
    await root.user('competes').removeRole('competitor')
    await leader.call('propose', { value: 'another value' })
    const told = await leader.until('unreachable', { after: takenAt, timeoutMs: PATIENCE_MS })
    expect(told).toMatchObject({ message: expect.stringMatching(/permission denied/) })
    // Its record goes with its lease, which nobody renews once it is known that it may not be relied on.
    const deselected = await leader.until('deselect', { after: takenAt, timeoutMs: PATIENCE_MS })
    expect(deselected).toMatchObject({ reason: 'expired' })
    const elected = await scene.elected({ after: takenAt })
    expect(elected.leader).toBe(other)
    scene.expectInTime(elected.at, deselected.at, leaderWithinMs(scene.ttl))
    const givenAt = now()
    await root.user('competes').addRole('competitor')
    await leader.until('change', { after: givenAt, timeoutMs: PATIENCE_MS })
    expect(await leader.call('state')).toMatchObject({ state: 'follower' })
    expect(leader.all('error')).toEqual([])
  })
})

/** One user’s process leads, and the other one’s waits. Resolves with root’s client as well. */
async function startCompeting(scene: Scene) {
  const root = await startWithUsers(scene)
  const leader = await launchAs(scene, 'a', 'competes', 'secret')
  await leader.start()
  await leader.until('select', { timeoutMs: PATIENCE_MS })
  const other = await launchAs(scene, 'b', 'competes too', 'secret')
  await other.start()
  return { root, leader, other }
}

/** Two users. Resolves with root’s client. */
async function startWithUsers(scene: Scene): Promise<Etcd3> {
  // A refusal takes etcd as long as it takes to check a password, and is to come before validity ends.
  scene.ttl = 5
  await scene.startEtcd(1, { own: true })
  const { operator } = scene
  const role = await operator.role('competitor').create()
  await role.grant({ permission: 'Readwrite', range: operator.range({ prefix: '/' }) })
  const rootRole = await operator.role('root').create()
  const rootUser = await operator.user('root').create('secret')
  await rootUser.addRole(rootRole)
  for (const name of ['competes', 'competes too']) {
    const user = await operator.user(name).create('secret')
    await user.addRole(role)
  }
  await operator.auth.authEnable({})
  const root = new Etcd3({
    hosts: scene.cluster.endpoints.map((endpoint) => `http://${endpoint}`),
    auth: { username: 'root', password: 'secret' },
  })
  onTestFinished(() => root.close())
  return root
}

function launchAs(
  scene: Scene,
  name: string,
  username: string,
  password: string,
): Promise<Competitor> {
  return scene.launch(name, { locker: { auth: { username, password } } })
}

/** It has told one error, and leaves the cluster alone. */
async function expectToRest(competitor: Competitor): Promise<void> {
  // What belongs to its stop may still be on its way.
  await sleep(2_000)
  const [relay] = competitor.relays
  const openedBefore = relay?.opened
  const toldBefore = competitor.all('unreachable').length
  await sleep(2_000)
  expect(relay?.opened).toBe(openedBefore)
  expect(competitor.all('unreachable').length).toBe(toldBefore)
  expect(competitor.all('error')).toHaveLength(1)
  expect(await competitor.call('state')).toMatchObject({ state: 'stopped', isLeader: false })
}
