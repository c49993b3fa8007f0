import { generateKeyPairSync } from 'node:crypto'
import { on, once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { type Observed, observe } from './observed.js'
import { authOf, ROOT, secretOf, withUsers } from './users.js'

const PATH = '/app/leader'
const KEYS = mkdtempSync(join(tmpdir(), 'locked-jwt-'))

afterAll(() => rmSync(KEYS, { recursive: true }))

describe.each(['simple', 'jwt'])('while etcd gives out %s tokens and an operator', (kind) => {
  let etcd: Etcd

  beforeAll(async () => {
    etcd = await startEtcd({ own: true, extraArgs: [`--auth-token=${tokens(kind)}`] })
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

  test('takes the permission away and gives it back: nodes are unreachable meanwhile', async () => {
    const { leader, follower } = await lead(3)
    const told = [leader, follower].map((one) => once(one.node, 'unreachable'))
    const deselected = once(leader.node, 'deselect')
    await forbid()
    expect(await deselected).toEqual(['expired'])
    for (const one of await Promise.all(told)) {
      expect(String(one[0])).toMatch(/permission denied/)
    }
    const late = competing('late', 3)
    const lateTold = once(late.node, 'unreachable')
    const starting = late.node.start()
    expect(String((await lateTold)[0])).toMatch(/permission denied/)
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

  test('changes the password: one readable error, and the node stops', async () => {
    const { leader, follower } = await lead()
    const told = [leader, follower].map((one) => once(one.node, 'error'))
    await operate((root) => root.user(user).setPassword('another secret'))
    for (const one of await Promise.all(told)) {
      expect(String(one[0])).toMatch(/the login of user .* was refused: .*authentication failed/)
    }
    for (const one of [leader, follower]) {
      expect(one.node.state).toBe('stopped')
      expect(one.errors).toHaveLength(1)
    }
  })
})

function tokens(kind: string): string {
  if (kind === 'simple') return 'simple'
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const [pub, key] = [join(KEYS, 'public.pem'), join(KEYS, 'private.pem')]
  writeFileSync(pub, publicKey)
  writeFileSync(key, privateKey)
  return `jwt,pub-key=${pub},priv-key=${key},sign-method=RS256,ttl=1m`
}

let proposals = 0

/** What the one proposes is told by the other. */
async function expectToServe(leader: Observed, other: Observed): Promise<void> {
  proposals += 1
  const value = `proposal ${proposals}`
  const seen = new Promise<void>((resolve) => {
    other.node.on('change', function listen(told) {
      if (told !== value) return
      other.node.off('change', listen)
      resolve()
    })
  })
  leader.node.propose(value)
  await seen
}

function leadersOf(...all: readonly Observed[]): readonly Observed[] {
  return all.filter((one) => one.node.isLeader)
}

function expectNoErrors(...all: readonly Observed[]): void {
  for (const one of all) expect(one.errors).toEqual([])
}
