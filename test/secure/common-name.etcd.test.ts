import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Etcd } from '../etcd/index.js'
import { Authority } from './authority.js'
import { expectNoErrors, expectToServe, leadersOf, nextUnreachable } from './expectations.js'
import { type Observed, observe } from './observed.js'
import { startTlsEtcd } from './tls-etcd.js'

// Users without a password, whom etcd knows by the common names of their certificates.

type Certificate = Awaited<ReturnType<typeof certificateOf>>

let authority: Authority
let etcd: Etcd
let root: Certificate

beforeAll(async () => {
  authority = await Authority.found('ours')
  root = await certificateOf('root')
  const server = await authority.issue({ commonName: 'etcd' })
  etcd = await startTlsEtcd(server, { clients: authority, extraArgs: ['--bcrypt-cost=4'] })
  await operate(async (operator) => {
    await addUser(operator, 'root')
    await operator.user('root').addRole(await operator.role('root').create())
    await operator.auth.authEnable({})
  })
})

afterAll(() => etcd?.stop())

/** One that may use the paths, each test’s own, and its certificate. */
let user: string
let credentials: Certificate
let count = 0

beforeEach(async () => {
  count += 1
  user = `user ${count}`
  credentials = await certificateOf(user)
})

test('they lead and follow while users, roles and authentication change, and nothing is told', async () => {
  await operate(allow)
  const [leader, follower] = [competing('a', 60), competing('b', 60)]
  await leader.node.start()
  await follower.node.start()
  const changes: ((operator: Etcd3) => Promise<unknown>)[] = [
    (operator) => addUser(operator, 'another'),
    (operator) => operator.role('another').create(),
    (operator) => operator.user('another').addRole('another'),
    (operator) => operator.auth.authDisable({}),
    (operator) => operator.auth.authEnable({}),
    (operator) => operator.user('another').delete(),
  ]
  for (const change of changes) {
    await operate(change)
    expect(await follower.node.candidates()).toHaveLength(2)
    await expectToServe(leader, follower)
  }
  const selected = once(follower.node, 'select')
  await leader.node.stop()
  await selected
  for (const { unreachable } of [leader, follower]) expect(unreachable).toEqual([])
  expectNoErrors(leader, follower)
})

test('whom etcd does not know is unreachable, and goes on once it does', async () => {
  const observed = competing('a', 3)
  const told = nextUnreachable(observed)
  const starting = observed.node.start()
  expect(String(await told)).toMatch(/permission denied/)
  await operate(allow)
  await starting
  expect(observed.node.isLeader).toBe(true)
  expectNoErrors(observed)
})

test('whose user is deleted is unreachable until it is there again', async () => {
  await operate(allow)
  const [leader, follower] = [competing('a', 3), competing('b', 3)]
  await leader.node.start()
  await follower.node.start()
  const told = [leader, follower].map(nextUnreachable)
  const deselected = once(leader.node, 'deselect')
  await operate((operator) => operator.user(user).delete())
  expect(await deselected).toEqual(['expired'])
  for (const error of await Promise.all(told)) expect(String(error)).toMatch(/permission denied/)
  await operate(async (operator) => {
    await addUser(operator, user)
    await operator.user(user).addRole(user)
  })
  await expect.poll(() => leadersOf(leader, follower)).toHaveLength(1)
  const [elected] = leadersOf(leader, follower)
  if (elected === undefined) throw new Error('nobody leads any more')
  await expectToServe(elected, elected === leader ? follower : leader)
  expectNoErrors(leader, follower)
})

function competing(id: string, ttl: number): Observed {
  const path = `/app/leader/${count}`
  return observe(`https://${etcd.endpoint}`, { credentials }, { id, ttl, path })
}

async function allow(operator: Etcd3): Promise<void> {
  await addUser(operator, user)
  await operator.role(user).create()
  const range = operator.range({ prefix: '/app/' })
  await operator.role(user).grant({ permission: 'Readwrite', range })
  await operator.user(user).addRole(user)
}

function addUser(operator: Etcd3, name: string): Promise<unknown> {
  return operator.auth.userAdd({ name, options: { no_password: true } })
}

async function certificateOf(commonName: string) {
  const { cert, key } = await authority.issue({ commonName })
  return {
    rootCertificate: Buffer.from(authority.cert),
    privateKey: Buffer.from(key),
    certChain: Buffer.from(cert),
  }
}

/** Does something as root, who is known by a certificate as well. */
async function operate(change: (operator: Etcd3) => Promise<unknown>): Promise<void> {
  // By its name: with Node.js 26 etcd3 alone cannot reach an address over TLS.
  const hosts = `https://localhost:${etcd.endpoint.split(':')[1]}`
  const operator = new Etcd3({ hosts, credentials: root })
  try {
    await change(operator)
  } finally {
    operator.close()
  }
}
