import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { runElect } from './run-elect.js'
import { expectNoSecrets } from './secrets.js'
import { authOf, secretOf, withUsers } from './users.js'

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd({ own: true })
  await withUsers(new Etcd3({ hosts: `http://${etcd.endpoint}` }), { tested: { prefix: '/app/' } })
})

afterAll(() => etcd?.stop())

const asTested = () => ({ hosts: etcd.endpoint, options: { auth: authOf('tested') } })

test('NODE_DEBUG=locked tells what happens, and no secret', async () => {
  const { stderr } = await runElect({ ...asTested(), env: { NODE_DEBUG: 'locked' } })
  const happened = [
    `etcd: goes to ${etcd.endpoint}`,
    'opened, for 5000 ms',
    '/app/elect, node elect: elected, with token',
    '/app/elect, node elect: no longer leader: stopped',
    'ended',
    '/app/elect, node elect: has left the election',
  ]
  // In this order; on a busy machine some of it more than once.
  let from = 0
  for (const what of happened) {
    const at = stderr.indexOf(what, from)
    expect(at, `${what}, after ${stderr.slice(0, from)}`).toBeGreaterThanOrEqual(0)
    from = at
  }
  expectNoSecrets(stderr, [secretOf('tested')])
})

test('it tells of a login that was refused, and no secret', async () => {
  const { stderr } = await runElect({
    hosts: etcd.endpoint,
    options: { auth: { username: 'tested', password: 'wrong password' } },
    env: { NODE_DEBUG: 'locked' },
  })
  expect(stderr).toContain('the login of user tested was refused')
  expectNoSecrets(stderr, ['wrong password'])
})

test('nothing is written without it', async () => {
  expect((await runElect(asTested())).stderr).toBe('')
})
