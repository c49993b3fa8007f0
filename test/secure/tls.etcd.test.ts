import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Credentials } from '../../src/stores/etcd/connection/credentials.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { Authority, type Issued } from './authority.js'
import { nextUnreachable } from './expectations.js'
import { type Observed, observe } from './observed.js'
import { expectNoSecrets, secretOf } from './secrets.js'
import { startTlsEtcd } from './tls-etcd.js'
import { authOf, ROOT, withUsers } from './users.js'

let ours: Authority
let foreign: Authority
let client: Issued
let stranger: Issued
/** Serves with our certificate. */
let etcd: Etcd
/** And asks for one of its clients. */
let strict: Etcd
/** Speaks no TLS. */
let plain: Etcd

beforeAll(async () => {
  ours = await Authority.found('ours')
  foreign = await Authority.found('foreign')
  client = await ours.issue({ commonName: 'client' })
  stranger = await foreign.issue({ commonName: 'stranger' })
  const server = await ours.issue({ commonName: 'etcd' })
  etcd = await startTlsEtcd(server)
  strict = await startTlsEtcd(server, { clients: ours })
  plain = await startEtcd({ own: true })
})

afterAll(async () => {
  await Promise.all([etcd?.stop(), strict?.stop(), plain?.stop()])
})

test('certificates that are renewed while the process runs are asked for at each connection', async () => {
  const relay = await startRelay(strict.endpoint)
  onTestFinished(() => relay.stop())
  const lastsMs = 20_000
  let asked = 0
  const credentials = async () => {
    asked += 1
    // It says when it begins in whole seconds.
    const from = new Date(Date.now() - 1_000)
    const until = new Date(Date.now() + lastsMs)
    return certified(await ours.issue({ commonName: 'client', from, until }))
  }
  const { node, errors } = observe(`https://${relay.endpoint}`, { credentials }, { ttl: 10 })
  await node.start()
  const askedBefore = asked
  const expiresAt = Date.now() + lastsMs
  while (Date.now() <= expiresAt + 1_000) await once(node, 'refresh')
  await relay.cut()
  await relay.heal()
  await once(node, 'refresh')
  await node.propose('proposed')
  expect(asked).toBeGreaterThan(askedBefore)
  expect(node.isLeader).toBe(true)
  expect(errors).toEqual([])
})

describe('over TLS', () => {
  test('a node leads and another follows, with the CA that they were given', async () => {
    await expectElection(`https://${etcd.endpoint}`, { rootCertificate: Buffer.from(ours.cert) })
  })

  test('a host without a scheme uses TLS when there are credentials', async () => {
    await expectElection(etcd.endpoint, { rootCertificate: Buffer.from(ours.cert) })
  })

  test('they show a client certificate where etcd asks for one', async () => {
    await expectElection(`https://${strict.endpoint}`, certified(client))
  })

  test('the name that is in the certificate is as good as the address', async () => {
    const host = `https://localhost:${strict.endpoint.split(':')[1]}`
    await expectElection(host, certified(client))
  })
})

test('a user logs in over TLS, shows a certificate, and logs in again', async () => {
  const guarded = await startTlsEtcd(await ours.issue({ commonName: 'etcd' }), { clients: ours })
  onTestFinished(() => guarded.stop())
  const [hosts, credentials] = [`https://${guarded.endpoint}`, certified(client)]
  // By its name: with Node.js 26 etcd3 alone cannot reach an address over TLS.
  const operator = { hosts: `https://localhost:${guarded.endpoint.split(':')[1]}`, credentials }
  await withUsers(new Etcd3(operator), { tls: { prefix: '/app/' } })
  const root = new Etcd3({ ...operator, auth: ROOT })
  onTestFinished(() => root.close())
  const observed = observe(hosts, { credentials, auth: authOf('tls') })
  const { node, errors, unreachable, inspected } = observed
  await node.start()
  // Makes the token invalid, as if it had expired.
  await root.user('tls').setPassword(authOf('tls').password)
  const changed = once(node, 'change')
  node.propose('proposed')
  expect(await changed).toEqual(['proposed', 'node'])
  await node.stop()
  expect(await root.get('/app/leader')).toBeNull()
  expect([errors, unreachable]).toEqual([[], []])
  expectNoSecrets(inspected, [authOf('tls').password, secretOf(client.key)])

  const wrong = observe(hosts, { credentials, auth: { username: 'tls', password: 'wrong' } })
  await expectRefusal(wrong, 'the login of user tls was refused')
})

describe('one readable error, and the node stops,', () => {
  test('when the certificate of etcd is signed by nobody whom the node trusts', async () => {
    const observed = observe(`https://${etcd.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(foreign.cert) },
    })
    await expectRefusal(observed, `the certificate of ${etcd.endpoint} is not trusted`)
    expect(observed.errors[0]?.message).toMatch(/credentials\.rootCertificate$/)
  })

  test('when it is signed by nobody whom the system trusts', async () => {
    const observed = observe(`https://${etcd.endpoint}`, {})
    await expectRefusal(observed, `the certificate of ${etcd.endpoint} is not trusted`)
  })

  test('when the certificate of etcd is for another host', async () => {
    const other = await startTlsEtcd(
      await ours.issue({ commonName: 'etcd', names: ['other.example'], addresses: ['10.1.2.3'] }),
    )
    onTestFinished(() => other.stop())
    const observed = observe(`https://${other.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(ours.cert) },
    })
    await expectRefusal(observed, `the certificate of ${other.endpoint} is for other names`)
  })

  test('when the node has no certificate and etcd asks for one', async () => {
    const observed = observe(`https://${strict.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(ours.cert) },
    })
    await expectRefusal(observed, `${strict.endpoint} refused this client's certificate`)
  })

  test('when etcd does not trust the node’s certificate', async () => {
    const observed = observe(`https://${strict.endpoint}`, {
      credentials: certified(stranger),
    })
    await expectRefusal(observed, `${strict.endpoint} refused this client's certificate`)
    const secrets = [secretOf(stranger.key)]
    expectNoSecrets(observed, secrets)
    expectNoSecrets(observed.inspected, secrets)
  })

  test('when every member refuses it', async () => {
    const observed = observe(`https://${strict.endpoint},https://${etcd.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(foreign.cert) },
    })
    await expectRefusal(observed, 'is not trusted')
  })
})

describe('a node goes on trying', () => {
  // Neither can be told from a member that restarts.
  test('when etcd speaks no TLS, and says what may be wrong', async () => {
    const { node, unreachable } = observe(`https://${plain.endpoint}`, {})
    node.start().catch(() => {})
    // Some connections are reset before it can be seen.
    const hint = /ended the TLS handshake.* is it http:\/\//
    while (!unreachable.some(({ message }) => hint.test(message))) await once(node, 'unreachable')
  })

  test('when etcd speaks TLS only, and says what may be wrong', async () => {
    const observed = observe(etcd.endpoint, {})
    observed.node.start().catch(() => {})
    expect((await nextUnreachable(observed)).message).toMatch(
      /ended the connection.* is it https:\/\//,
    )
  })

  test('when the certificate of etcd is not valid yet: clocks are set, certificates renewed', async () => {
    const inAYear = new Date(Date.now() + 365 * 86_400_000)
    const early = await startTlsEtcd(await ours.issue({ commonName: 'etcd', from: inAYear }))
    onTestFinished(() => early.stop())
    const { node, unreachable, errors } = observe(`https://${early.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(ours.cert) },
    })
    node.start().catch(() => {})
    await once(node, 'unreachable')
    await once(node, 'unreachable')
    expect(unreachable[0]?.message).toContain(`the certificate of ${early.endpoint} is not valid`)
    expect(errors).toEqual([])
    expect(node.state).toBe('campaigning')
  })

  test('when one member is trusted and another is not', async () => {
    const { node, errors } = observe(`https://${etcd.endpoint},https://${plain.endpoint}`, {
      credentials: { rootCertificate: Buffer.from(ours.cert) },
    })
    await node.start()
    expect(node.isLeader).toBe(true)
    expect(errors).toEqual([])
  })
})

function certified({ cert, key }: Issued) {
  return {
    rootCertificate: Buffer.from(ours.cert),
    privateKey: Buffer.from(key),
    certChain: Buffer.from(cert),
  }
}

async function expectElection(host: string, credentials: Credentials): Promise<void> {
  const leader = observe(host, { credentials }, { id: 'a' })
  const follower = observe(host, { credentials }, { id: 'b' })
  await leader.node.start()
  expect(leader.node.isLeader).toBe(true)
  await follower.node.start()
  expect(follower.node.state).toBe('follower')
  const selected = once(follower.node, 'select')
  await leader.node.stop()
  await selected
  expect(await follower.node.id()).toBe('b')
  await follower.node.stop()
  const { privateKey } = credentials
  const secrets = privateKey ? [secretOf(privateKey.toString())] : []
  for (const { errors, unreachable, inspected } of [leader, follower]) {
    expect(errors).toEqual([])
    expect(unreachable).toEqual([])
    expectNoSecrets(inspected, secrets)
  }
}

async function expectRefusal({ node, errors }: Observed, says: string): Promise<void> {
  await expect(node.start()).rejects.toMatchObject({
    name: 'RefusedError',
    message: expect.stringContaining(says),
  })
  expect(node.state).toBe('stopped')
  await node.stop()
  expect(errors).toHaveLength(1)
  expect(errors[0]?.message).not.toMatch(/\n|No connection established/)
}
