import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLoopback } from '../../../../src/stores/etcd/connection/plain-password.js'
import { MAIN } from '../../../cli/command.js'

const PACKAGE = new URL('../../../../dist/src/index.js', import.meta.url)
const ETCDJS = import.meta.resolve('etcdjs')
const ETCD3 = import.meta.resolve('etcd3')
const CODE = /LOCKED_PLAIN_PASSWORD/g

describe('what is sent to', () => {
  test.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.1.2.3',
    '127.1',
    '::1',
    '0:0:0:0:0:0:0:1',
  ])('%s stays on this machine', (host) => expect(isLoopback(host)).toBe(true))

  test.each([
    '10.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '::2',
    'fe80::1',
    'etcd',
    'localhost.example.com',
    'localhost-1',
    '127.0.0.1.example.com',
    '127.example.com',
    '999.0.0.1',
    '',
  ])('%s leaves it, for all that is known', (host) => expect(isLoopback(host)).toBe(false))

  test('any address of IPv4 stays if it begins with 127, and only then', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV4().map((ip) => ip.replace(/^\d+/, '127')),
        ),
        (ip) => {
          expect(isLoopback(ip)).toBe(ip.startsWith('127.'))
        },
      ),
    )
  })
})

/** What a process of its own writes to standard error. */
function saidBy(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { stderr, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  if (error !== undefined) throw error
  return stderr
}

/** Nothing is sent: it is told when the locker is made. */
function saidOfLocker(...lockers: readonly string[]): string {
  const script = `
    import locked from ${JSON.stringify(PACKAGE.href)}
    import etcdjs from ${JSON.stringify(ETCDJS)}
    import { Etcd3 } from ${JSON.stringify(ETCD3)}
    import { rootCertificates } from 'node:tls'
    const ROOT = Buffer.from(rootCertificates[0])
    const auth = { username: 'somebody', password: 'a-secret' }
    ${lockers.map((locker) => `locked(${locker})`).join('\n')}
  `
  return saidBy(['--input-type=module', '--eval', script])
}

describe('a process', () => {
  test.each([
    ['a host', `'etcd.example:2379', { auth }`, 'etcd.example'],
    ['one of several', `['127.0.0.1:2379', 'http://10.0.0.1:2379'], { auth }`, '10.0.0.1'],
    ['an address of IPv6', `'http://[fd00::1]:2379', { auth }`, 'fd00::1'],
    ['an Etcd3 client', `new Etcd3({ hosts: 'etcd.example:2379', auth })`, 'etcd.example'],
    [
      'one of its hosts',
      `new Etcd3({ hosts: ['127.0.0.1', 'http://[fd00::1]'], auth })`,
      'fd00::1',
    ],
    ['a namespace', `new Etcd3({ hosts: 'http://10.0.0.1:1', auth }).namespace('a/')`, '10.0.0.1'],
    ['etcdjs', `etcdjs('http://somebody:a-secret@etcd.example:4001')`, 'etcd.example'],
    ['etcdjs without a scheme', `etcdjs(['a', 'somebody:a-secret@[fd00::1]:4001'])`, 'fd00::1'],
  ])('that gives a password to %s over plain http is warned', (_what, locker, host) => {
    const said = saidOfLocker(locker)
    expect(said).toContain(`[LOCKED_PLAIN_PASSWORD] LockedWarning: a password goes to ${host} over`)
    expect(said).toContain('https://')
    expect(said).not.toMatch(/somebody|a-secret/)
  })

  test('is warned once, however often it does so', () => {
    const said = saidOfLocker(
      `['a.example', 'b.example'], { auth }`,
      `'c.example', { auth }`,
      `new Etcd3({ hosts: 'e.example', auth })`,
      `etcdjs('http://somebody:a-secret@d.example:4001')`,
    )
    expect(said.match(CODE)).toHaveLength(1)
  })

  test('is not warned of TLS, of this machine, or where there is no password', () => {
    const said = saidOfLocker(
      `'https://etcd.example:2379', { auth }`,
      `'etcd.example:2379', { auth, credentials: {} }`,
      `['127.0.0.1:2379', 'localhost', '[::1]:2379'], { auth }`,
      `'http://etcd.example:2379'`,
      `new Etcd3({ hosts: 'https://etcd.example:2379', auth })`,
      `new Etcd3({ hosts: 'etcd.example:2379', auth, credentials: { rootCertificate: ROOT } })`,
      `new Etcd3({ hosts: ['127.0.0.1:2379', 'localhost:2379', '[::1]:2379'], auth })`,
      `new Etcd3({ hosts: 'unix:/run/etcd', auth })`,
      `new Etcd3({ hosts: 'http://etcd.example:2379' })`,
      `etcdjs(['http://etcd.example:4001', 'https://somebody:a-secret@etcd.example:4001'])`,
      `etcdjs('http://somebody:a-secret@127.0.0.1:4001')`,
    )
    expect(said).toBe('')
  })

  test('of the command line is warned as well', () => {
    const get = (endpoint: string) =>
      saidBy([MAIN, 'get', '/x', '--endpoints', endpoint, '--command-timeout', '200ms'], {
        ETCDCTL_USER: 'somebody:a-secret',
      })
    // Kept for documentation: nobody answers there (RFC 5737).
    const said = get('192.0.2.1:2379')
    expect(said.match(CODE)).toHaveLength(1)
    expect(said).toContain('--cacert')
    expect(said).not.toContain('a-secret')
    expect(get('127.0.0.1:1')).not.toMatch(CODE)
  })
})
