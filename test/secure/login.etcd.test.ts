import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { requestsByMethod } from '../../bench/requests.js'
import { DeniedError, locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { freePort } from '../etcd/ports.js'
import { startRelay } from '../etcd/relay.js'
import { expectToServe, nextUnreachable } from './expectations.js'
import { jwtKeys } from './jwt.js'
import { type Observed, observe } from './observed.js'
import { expectNoSecrets } from './secrets.js'
import { authOf, ROOT, secretOf, withUsers } from './users.js'

/** More than are watched one by one. */
const PATHS = Array.from({ length: 12 }, (_, index) => `/paths/${index}`)

let etcd: Etcd
let root: Etcd3

beforeAll(async () => {
  // Tokens that nobody uses for a second expire.
  etcd = await startEtcd({ own: true, extraArgs: ['--auth-token-ttl=1'] })
  await withUsers(new Etcd3({ hosts: `http://${etcd.endpoint}` }), {
    prefix: { prefix: '/app/' },
    path: { keys: ['/app/leader'] },
    paths: { keys: PATHS },
    forgetful: { prefix: '/app/' },
    nobody: null,
  })
  root = new Etcd3({ hosts: `http://${etcd.endpoint}`, auth: ROOT })
})

afterAll(async () => {
  root?.close()
  await etcd?.stop()
})

describe('a user', () => {
  test.each(['prefix', 'path'])('who may use the %s only leads and follows', async (user) => {
    const leader = observe(etcd.endpoint, { auth: authOf(user) }, { id: 'a' })
    const follower = observe(etcd.endpoint, { auth: authOf(user) }, { id: 'b' })
    await leader.node.start()
    expect(leader.node.isLeader).toBe(true)
    await follower.node.start()
    const changed = once(follower.node, 'change')
    leader.node.propose('proposed')
    expect(await changed).toEqual(['proposed', 'a'])
    const selected = once(follower.node, 'select')
    await leader.node.stop()
    await selected
    await follower.node.stop()
    expect(await root.get('/app/leader')).toBeNull()
    expectQuiet(leader, [secretOf(user)])
    expectQuiet(follower, [secretOf(user)])
  })

  test('who may use the path only vacates it on stop, though another waits who may be installed', async () => {
    const leader = observe(etcd.endpoint, { auth: authOf('path') }, { id: 'a' })
    const follower = observe(etcd.endpoint, { auth: authOf('prefix') }, { id: 'b' })
    await leader.node.start()
    await follower.node.start()
    const { create_revision } = (await root.get('/app/leader').exec()).kvs[0] ?? {}
    const told = [once(follower.node, 'vacant'), once(follower.node, 'select')]
    await leader.node.stop()
    await Promise.all(told)
    const { kvs } = await root.get('/app/leader').exec()
    expect(Number(kvs[0]?.create_revision)).toBeGreaterThan(Number(create_revision))
    // And the other way round: nobody waits whom it could hand over to.
    await leader.node.start()
    const selected = once(leader.node, 'select')
    await follower.node.stop()
    await selected
    await leader.node.stop()
    expect(await root.getAll().prefix('/app/leader').keys()).toEqual([])
    expectQuiet(leader, [secretOf('path')])
    expectQuiet(follower, [secretOf('prefix')])
  })

  test('who may use certain paths only leads them all at once, and those only', async () => {
    const options = { auth: authOf('paths') }
    const [ours, theirs] = [locked(etcd.endpoint, options), locked(etcd.endpoint, options)]
    onTestFinished(async () => {
      await Promise.all([ours.close(), theirs.close()])
    })
    const leaders = PATHS.map((path) => ours(path, { value: 'ours' }))
    const followers = PATHS.map((path) => theirs(path, { value: 'theirs' }))
    const outside = ours('/paths/12', { value: 'outside' })
    const told: Error[] = []
    for (const node of [...leaders, ...followers, outside]) {
      node.on('error', (error) => told.push(error))
      node.on('unreachable', (error) => told.push(error))
    }
    const denied = once(outside, 'unreachable')
    outside.start()
    await Promise.all(leaders.map((node) => node.start()))
    expect((await denied)[0].message).toMatch(/^\/paths\/12: .*permission denied/)
    await outside.stop()
    expect(leaders.every(({ isLeader }) => isLeader)).toBe(true)
    await Promise.all(followers.map((node) => node.start()))
    const changed = Promise.all(followers.map((node) => once(node, 'change')))
    for (const node of leaders) node.propose('proposed')
    expect(await changed).toHaveLength(PATHS.length)
    const selected = Promise.all(followers.map((node) => once(node, 'select')))
    await ours.close()
    await selected
    expect(told.every((error) => error instanceof DeniedError)).toBe(true)
  })
})

describe('when the token has expired', () => {
  test('a leader goes on leading, proposes, and releases the path', async () => {
    const leader = observe(etcd.endpoint, { auth: authOf('prefix') }, { ttl: 4 })
    await leader.node.start()
    // Renewals need no token: by then it has gone unused for several times as long as it lives.
    for (let renewals = 0; renewals < 4; renewals += 1) await once(leader.node, 'refresh')
    const changed = once(leader.node, 'change')
    leader.node.propose('proposed')
    expect(await changed).toEqual(['proposed', 'node'])
    await leader.node.stop()
    expect(await root.get('/app/leader')).toBeNull()
    expectQuiet(leader, [secretOf('prefix')])
  })

  test('a node that joins is told what happens, over a stream that was opened before', async () => {
    const options = { auth: authOf('forgetful') }
    const locker = locked(etcd.endpoint, options)
    onTestFinished(() => locker.close())
    const early = locker('/app/early', { value: 'early' })
    await early.start()
    const rival = observe(etcd.endpoint, { auth: authOf('prefix') }, { id: 'rival' })
    await rival.node.start()

    // As if it had expired: all tokens of the user are invalid from here on.
    await root.user('forgetful').setPassword(secretOf('forgetful'))
    const late = locker('/app/leader', { id: 'late', value: 'late' })
    const told: Error[] = []
    for (const node of [early, late]) {
      node.on('error', (error) => told.push(error))
      node.on('unreachable', (error) => told.push(error))
    }
    await late.start()
    expect(late.state).toBe('follower')
    await root.user('forgetful').setPassword(secretOf('forgetful'))
    // Another watch on that stream, before anything else could bring another token.
    const seen = once(late, 'change')
    rival.node.propose('proposed')
    expect(await seen).toEqual(['proposed', 'rival'])
    const selected = once(late, 'select')
    await rival.node.stop()
    await selected
    await late.stop()
    expect(early.isLeader).toBe(true)
    expect(told).toEqual([])
  })
})

test('when a JWT has expired, whatever is called is carried out, and nothing is told', async () => {
  const keys = jwtKeys()
  onTestFinished(() => keys.end())
  const extraArgs = [keys.argOf('2s'), '--bcrypt-cost=4']
  const signing = await startEtcd({ own: true, files: keys.paths, extraArgs })
  onTestFinished(() => signing.stop())
  await withUsers(new Etcd3({ hosts: `http://${signing.endpoint}` }), { jwt: { prefix: '/app/' } })
  const [leader, follower] = ['a', 'b'].map((id) =>
    observe(signing.endpoint, { auth: authOf('jwt') }, { id, ttl: 10 }),
  )
  if (leader === undefined || follower === undefined) throw new Error('there are two')
  const locker = locked(signing.endpoint, { auth: authOf('jwt') })
  onTestFinished(() => locker.close())
  const observer = locker.observe('/app/leader')
  observer.on('error', (error) => expect.unreachable(error.message))
  observer.on('unreachable', (error) => expect.unreachable(error.message))
  const seen: unknown[] = []
  observer.on('change', (_path, { value }) => seen.push(value))
  observer.on('vacant', () => seen.push('nobody'))
  const logins = async () => (await requestsByMethod(signing.endpoint)).Authenticate ?? 0
  const calls: (() => Promise<unknown>)[] = [
    async () => expect(await follower.node.candidates()).toHaveLength(2),
    () => expectToServe(leader, follower),
    async () => expect(await leader.node.transfer('b')).toMatchObject({ id: 'b' }),
  ]
  await leader.node.start()
  await follower.node.start()
  for (const call of calls) {
    const before = await logins()
    // Tokens say in whole seconds until when they count.
    await sleep(3_100)
    await call()
    expect(await logins()).toBeGreaterThan(before)
  }
  await expect.poll(() => follower.node.isLeader).toBe(true)
  await expect.poll(() => seen.at(-1)).toBe('b')
  await follower.node.stop()
  await leader.node.stop()
  await expect.poll(() => seen.at(-1)).toBe('nobody')
  expectQuiet(leader, [secretOf('jwt')])
  expectQuiet(follower, [secretOf('jwt')])
})

test('a connection that is forgotten on the way does not keep a leader from logging in again', async () => {
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  const observed = observe(relay.endpoint, { auth: authOf('prefix') }, { ttl: 4 })
  const { node } = observed
  await node.start()
  relay.strand()
  const opened = relay.opened
  while (relay.opened === opened) await once(node, 'refresh')
  const changed = once(node, 'change')
  node.propose('proposed')
  await changed
  expect(node.isLeader).toBe(true)
  expect(observed.errors).toEqual([])
})

test('without permission for the path a node says so, and goes on once it has it', async () => {
  const observed = observe(etcd.endpoint, { auth: authOf('nobody') })
  const { node, errors, unreachable, inspected } = observed
  const told = nextUnreachable(observed)
  const started = node.start()
  expect((await told).message).toMatch(/^\/app\/leader: .*permission denied/)
  await root.user('nobody').addRole('prefix')
  await started
  expect(node.isLeader).toBe(true)
  expect(errors).toEqual([])
  expectNoSecrets([unreachable, inspected], [secretOf('nobody')])
})

test('who logs in where authentication is not enabled leads all the same', async () => {
  const open = await startEtcd({ own: true })
  onTestFinished(() => open.stop())
  const observed = observe(open.endpoint, { auth: authOf('prefix') })
  await observed.node.start()
  expect(observed.node.isLeader).toBe(true)
  expectQuiet(observed, [secretOf('prefix')])
})

describe('one readable error, and the node stops,', () => {
  test('when the password is wrong', async () => {
    const auth = { username: 'prefix', password: 'a wrong secret' }
    const observed = observe(etcd.endpoint, { auth })
    await expectRefusal(observed, /the login of user prefix was refused: .*authentication failed/)
    expectNoSecrets([observed.errors, observed.inspected], [auth.password])
  })

  test('when there is no such user', async () => {
    const observed = observe(etcd.endpoint, { auth: authOf('stranger') })
    await expectRefusal(observed, /the login of user stranger was refused: .*authentication failed/)
    expectNoSecrets([observed.errors, observed.inspected], [secretOf('stranger')])
  })

  test('when nobody logs in, and etcd asks for it', async () => {
    await expectRefusal(observe(etcd.endpoint, {}), /user name is empty/)
  })

  test('also when another member is down', async () => {
    const auth = { username: 'prefix', password: 'a wrong secret' }
    const hosts = `127.0.0.1:${await freePort()},${etcd.endpoint}`
    await expectRefusal(observe(hosts, { auth }), /authentication failed/)
  })
})

async function expectRefusal({ node, errors }: Observed, says: RegExp): Promise<void> {
  await expect(node.start()).rejects.toMatchObject({
    name: 'RefusedError',
    message: expect.stringMatching(says),
  })
  expect(node.state).toBe('stopped')
  await node.stop()
  expect(errors).toHaveLength(1)
}

function expectQuiet(
  { errors, unreachable, inspected }: Observed,
  secrets: readonly string[],
): void {
  expect(errors).toEqual([])
  expect(unreachable).toEqual([])
  expectNoSecrets(inspected, secrets)
}
