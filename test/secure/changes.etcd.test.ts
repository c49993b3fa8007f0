import { on, once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { requestsByMethod } from '../../bench/requests.js'
import { DeniedError, locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { expectNoErrors, expectToServe, leadersOf, nextUnreachable } from './expectations.js'
import { jwtKeys } from './jwt.js'
import { type Observed, observe } from './observed.js'
import { authOf, ROOT, secretOf, withUsers } from './users.js'

const PATH = '/app/leader'
const KEYS = jwtKeys()

afterAll(() => KEYS.end())

describe.each(['simple', 'jwt'])('while etcd gives out %s tokens and an operator', (kind) => {
  let etcd: Etcd

  beforeAll(async () => {
    etcd = await startEtcd({
      own: true,
      files: KEYS.paths,
      extraArgs: [kind === 'jwt' ? KEYS.argOf('1m') : '--auth-token=simple'],
    })
    await withUsers(new Etcd3({ hosts: `http://${etcd.endpoint}` }), {})
  })

  afterAll(() => etcd?.stop())

  /** Users who may use the paths, each test’s own. */
  let user: string
  let count = 0

  beforeEach(async () => {
    count += 1
    user = `user ${count}`
    await operate(async (root) => {
      await root.user(user).create(secretOf(user))
      await root.role(user).create()
      await allow(root)
    })
  })

  /** Does something as root, by a login of its own: each change ends those before. */
  async function operate(change: (root: Etcd3) => Promise<unknown>, auth = true): Promise<void> {
    const root = new Etcd3({ hosts: `http://${etcd.endpoint}`, ...(auth && { auth: ROOT }) })
    try {
      await change(root)
    } finally {
      root.close()
    }
  }

  async function allow(root: Etcd3): Promise<void> {
    // By a client of its own, each: an operator’s login ends with each change as well.
    const range = root.range({ prefix: '/app/' })
    await operate((one) => one.role(user).grant({ permission: 'Readwrite', range }))
    await operate((one) => one.user(user).addRole(user))
  }

  const forbid = () => operate((root) => root.user(user).removeRole(user))

  function competing(id: string, ttl: number): Observed {
    return observe(etcd.endpoint, { auth: authOf(user) }, { id, ttl, path: `${PATH}/${count}` })
  }

  async function lead(ttl = 10): Promise<{ leader: Observed; follower: Observed }> {
    const [leader, follower] = [competing('a', ttl), competing('b', ttl)]
    await leader.node.start()
    await follower.node.start()
    return { leader, follower }
  }

  async function switchOff(): Promise<void> {
    await operate((root) => root.auth.authDisable({}))
    onTestFinished(() => operate((root) => root.auth.authEnable({}), false).catch(() => undefined))
  }

  const switchOn = () => operate((root) => root.auth.authEnable({}), false)

  test('switches authentication off and on: nodes go on, those that start as well', async () => {
    const { leader, follower } = await lead()
    await switchOff()
    await expectToServe(leader, follower)
    const late = competing('late', 10)
    await late.node.start()
    await expectToServe(leader, late)
    await switchOn()
    await expectToServe(leader, follower)
    await expectToServe(leader, late)
    for (const { unreachable } of [leader, follower, late]) expect(unreachable).toEqual([])
    const selected = once(late.node, 'select')
    await leader.node.stop()
    await selected
    expectNoErrors(leader, follower, late)
  })

  test('switches it off, etcd restarts, and it is switched on again: nodes go on', async () => {
    const { leader, follower } = await lead()
    await switchOff()
    await etcd.kill()
    await etcd.start()
    await expectToServe(leader, follower)
    const late = competing('late', 10)
    await late.node.start()
    await switchOn()
    await etcd.kill()
    await etcd.start()
    await expectToServe(leader, late)
    await expectToServe(leader, follower)
    expectNoErrors(leader, follower, late)
  })

  // With so long a ttl that nothing is to be renewed meanwhile: checking passwords keeps etcd busy.
  test('changes anything: not a single request is rejected, and nothing is told', async () => {
    const { leader, follower } = await lead(60)
    const changes: ((root: Etcd3) => Promise<unknown>)[] = [
      (root) => root.user(`another ${count}`).create('secret'),
      (root) => root.role(`another ${count}`).create(),
      (root) => root.user(`another ${count}`).addRole(`another ${count}`),
      (root) => root.user(`another ${count}`).setPassword('another secret'),
      (root) => root.user(`another ${count}`).removeRole(`another ${count}`),
      (root) => root.user(user).setPassword(secretOf(user)),
      (root) => root.role(`another ${count}`).delete(),
      (root) => root.user(`another ${count}`).delete(),
    ]
    for (const change of changes) {
      await operate(change)
      expect(await leader.node.id()).toBe('a')
      await operate((root) => root.user(user).setPassword(secretOf(user)))
      expect(await follower.node.candidates()).toHaveLength(2)
      await expectToServe(leader, follower)
    }
    for (const one of [leader, follower]) expect(one.unreachable).toEqual([])
    expectNoErrors(leader, follower)
  })

  test('changes anything: whatever is called next is carried out', async () => {
    const { leader, follower } = await lead(60)
    const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    onTestFinished(() => client.close())
    const locker = locked(etcd.endpoint, { auth: authOf(user) })
    onTestFinished(() => locker.close())
    await locker.candidates(`${PATH}/${count}`)
    const observing = async () => {
      const observer = locker.observe(`${PATH}/${count}`)
      observer.on('error', (error) => expect.unreachable(error.message))
      await once(observer, 'known')
      observer.close()
    }
    const guarding = async () => {
      const put = client.put(`/app/guarded/${count}`).value('guarded')
      const { succeeded } = await leader.node.guard().then(put).commit()
      expect(succeeded).toBe(true)
    }
    const calls: (() => Promise<unknown>)[] = [
      async () => expect(await follower.node.value()).toBe('a'),
      guarding,
      () => locker.candidates(`${PATH}/${count}`),
      observing,
      async () => expect(await leader.node.transfer('b')).toMatchObject({ id: 'b' }),
      () => leader.node.stop(),
      () => leader.node.start(),
      () => follower.node.stop(),
    ]
    for (const call of calls) {
      // Whatever is changed last: with JWT a token counts for one state of users and roles.
      await operate((root) => root.user(`another ${count}`).create('secret'))
      await operate((root) => root.user(`another ${count}`).delete())
      await call()
    }
    // Who has handed over may know of it before the other one does.
    await expect.poll(() => leader.node.isLeader).toBe(true)
    for (const one of [leader, follower]) expect(one.unreachable).toEqual([])
    expectNoErrors(leader, follower)
  })

  test('takes the permission away and gives it back: nodes are unreachable meanwhile', async () => {
    const { leader, follower } = await lead(3)
    const told = [leader, follower].map(nextUnreachable)
    const deselected = once(leader.node, 'deselect')
    await forbid()
    expect(await deselected).toEqual(['expired'])
    for (const error of await Promise.all(told)) expect(String(error)).toMatch(/permission denied/)
    const late = competing('late', 3)
    const lateTold = nextUnreachable(late)
    const starting = late.node.start()
    expect(String(await lateTold)).toMatch(/permission denied/)
    await operate(allow)
    await starting
    await expect.poll(() => leadersOf(leader, follower, late)).toHaveLength(1)
    const [elected] = leadersOf(leader, follower, late)
    if (elected === undefined) throw new Error('nobody leads any more')
    for (const one of [leader, follower, late]) {
      if (one !== elected) await expectToServe(elected, one)
    }
    expectNoErrors(leader, follower, late)
  })

  test('takes it away and gives it back: an observer tells of what it missed', async () => {
    const { leader } = await lead(3)
    await forbid()
    const locker = locked(etcd.endpoint, { auth: authOf(user) })
    onTestFinished(() => locker.close())
    const observers = [
      locker.observe(`${PATH}/${count}`),
      locker.observe('/app/', { prefix: true }),
    ]
    const errors: Error[] = []
    for (const observer of observers) observer.on('error', (error) => errors.push(error))
    // On a busy machine an answer may come too late first.
    await Promise.all(
      observers.map(async (observer) => {
        for await (const [error] of on(observer, 'unreachable')) {
          if (/permission denied/.test(error.message)) return
        }
      }),
    )
    const seen = observers.map((observer) => once(observer, 'change'))
    await operate(allow)
    await Promise.all(seen)
    expect(errors).toEqual([])
    expectNoErrors(leader)
  })

  describe('makes a login invalid that was accepted, and valid again: nodes are unreachable meanwhile,', () => {
    test.each<[string, (root: Etcd3) => Promise<unknown>, (root: Etcd3) => Promise<unknown>]>([
      [
        'by another password',
        (root) => root.user(user).setPassword('another secret'),
        (root) => root.user(user).setPassword(secretOf(user)),
      ],
      [
        'by deleting the user',
        (root) => root.user(user).delete(),
        async (root) => {
          await root.user(user).create(secretOf(user))
          await operate((one) => one.user(user).addRole(user))
        },
      ],
    ])('%s', async (_how, change, undo) => {
      const { leader, follower } = await lead(3)
      const refused = /the login of user .* was refused: .*authentication failed/
      const told = [leader, follower].map(nextUnreachable)
      const deselected = once(leader.node, 'deselect')
      await operate(change)
      for (const error of await Promise.all(told)) expect(String(error)).toMatch(refused)
      expect(await deselected).toEqual(['expired'])
      await expect(leader.node.value()).rejects.toBeInstanceOf(DeniedError)
      // One that etcd has never let in has the wrong password for all that it knows.
      const late = competing('late', 3)
      await expect(late.node.start()).rejects.toThrow(refused)
      expect(late.errors).toHaveLength(1)
      await operate(undo)
      await expect.poll(() => leadersOf(leader, follower)).toHaveLength(1)
      const [elected] = leadersOf(leader, follower)
      if (elected === undefined) throw new Error('nobody leads any more')
      await expectToServe(elected, elected === leader ? follower : leader)
      expectNoErrors(leader, follower)
    })
  })

  test('makes a login invalid: many nodes ask together, and not each time that they try', async () => {
    const locker = locked(etcd.endpoint, { auth: authOf(user) })
    onTestFinished(() => locker.close())
    const nodes = Array.from({ length: 40 }, (_, index) =>
      locker(`${PATH}/${count}/${index}`, { value: index, ttl: 2 }),
    )
    await Promise.all(nodes.map((node) => node.start()))
    const logins = async () => (await requestsByMethod(etcd.endpoint)).Authenticate ?? 0
    const deselected = nodes.map((node) => once(node, 'deselect'))
    await operate((root) => root.user(user).setPassword('another secret'))
    await Promise.all(deselected)
    const before = await logins()
    const since = performance.now()
    const often = nodes.map(async (node) => {
      for (let times = 0; times < 6; times += 1) await once(node, 'unreachable')
    })
    await Promise.all(often)
    // After 1 s to 5 s, half of that on average.
    const mostLogins = 8 + (performance.now() - since) / 2_000
    expect((await logins()) - before).toBeLessThan(mostLogins)
  })

  test('switches it on: nodes without a login are unreachable until it is switched off', async () => {
    await operate((root) => root.auth.authDisable({}))
    onTestFinished(() => operate((root) => root.auth.authEnable({}), false).catch(() => undefined))
    const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    onTestFinished(() => client.close())
    const anonymous = (hosts: string | Etcd3, id: string) =>
      observe(hosts, {}, { id, ttl: 3, path: `${PATH}/${count}` })
    const [leader, follower] = [anonymous(etcd.endpoint, 'a'), anonymous(client, 'b')]
    await leader.node.start()
    await follower.node.start()
    const told = [leader, follower].map(nextUnreachable)
    await switchOn()
    for (const error of await Promise.all(told)) {
      expect(String(error)).toMatch(/the login was refused: .*user name is empty/)
    }
    const late = anonymous(etcd.endpoint, 'late')
    await expect(late.node.start()).rejects.toThrow(/user name is empty/)
    await operate((root) => root.auth.authDisable({}))
    await expect.poll(() => leadersOf(leader, follower)).toHaveLength(1)
    const [elected] = leadersOf(leader, follower)
    if (elected === undefined) throw new Error('nobody leads any more')
    await expectToServe(elected, elected === leader ? follower : leader)
    expectNoErrors(leader, follower)
  })
})
