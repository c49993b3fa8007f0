import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { connectionFrom } from '../../src/cli/connection.js'
import { durationMs } from '../../src/cli/duration.js'
import type { LockerOptions } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'locked-connection-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('endpoints', () => {
  test('are the local member when nobody names any', async () => {
    expect(await connectionFrom({}, {})).toEqual({ hosts: ['http://127.0.0.1:2379'], options: {} })
  })

  test('come from the environment, and the option wins', async () => {
    const env = { ETCDCTL_ENDPOINTS: 'a:1,https://b:2' }
    expect((await connectionFrom({}, env)).hosts).toEqual(['http://a:1', 'https://b:2'])
    expect((await connectionFrom({ endpoints: 'c' }, env)).hosts).toEqual(['http://c:2379'])
  })

  test('an empty variable counts as none', async () => {
    const env = { ETCDCTL_ENDPOINTS: '', ETCDCTL_CACERT: '', ETCDCTL_USER: '' }
    expect(await connectionFrom({}, env)).toEqual({ hosts: ['http://127.0.0.1:2379'], options: {} })
  })

  test('without a scheme are reached by TLS when there is a certificate', async () => {
    const cacert = file('ca.pem', 'a certificate')
    const { hosts, options } = await connectionFrom(
      { endpoints: 'a, http://b,[::1]:3', cacert },
      {},
    )
    expect(hosts).toEqual(['https://a:2379', 'http://b:2379', 'https://[::1]:3'])
    expect((await credentialsOf(options))?.rootCertificate?.toString()).toBe('a certificate')
  })

  test('that are wrong are named', async () => {
    await expect(connectionFrom({ endpoints: 'a:b' }, {})).rejects.toThrow(
      /^--endpoints: .*"a:b" is not a host/,
    )
  })
})

describe('certificates', () => {
  test('a file that cannot be read is one clear line', async () => {
    const cacert = join(folder, 'none.pem')
    const rejection = expect(connectionFrom({}, { ETCDCTL_CACERT: cacert })).rejects
    await rejection.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/^--cacert: cannot read .*none\.pem: ENOENT.*$/),
    })
  })

  test('the client’s own needs its key', async () => {
    const cert = file('cert.pem', 'cert')
    await expect(connectionFrom({ cert }, {})).rejects.toThrow(/--cert and --key/)
    const { options } = await connectionFrom({ cert, key: file('key.pem', 'key') }, {})
    const credentials = await credentialsOf(options)
    expect(credentials?.certChain?.toString()).toBe('cert')
    expect(credentials?.privateKey?.toString()).toBe('key')
    // They are read again for each connection.
    file('cert.pem', 'renewed')
    expect((await credentialsOf(options))?.certChain?.toString()).toBe('renewed')
    // Those of the system count.
    expect(credentials?.rootCertificate).toBe(undefined)
  })
})

describe('the password', () => {
  test.each([
    ['ETCDCTL_USER', {}, { ETCDCTL_USER: 'anna:se:cret' }, 'se:cret'],
    ['ETCDCTL_PASSWORD', { user: 'anna' }, { ETCDCTL_PASSWORD: 'secret' }, 'secret'],
    [
      'ETCDCTL_PASSWORD, not another user’s',
      { user: 'anna' },
      { ETCDCTL_USER: 'bob:his', ETCDCTL_PASSWORD: 'hers' },
      'hers',
    ],
    ['ETCDCTL_USER, named again', { user: 'anna' }, { ETCDCTL_USER: 'anna:secret' }, 'secret'],
  ])('comes from %s', async (_from, options, env, password) => {
    expect((await connectionFrom(options, env)).options.auth).toEqual({
      username: 'anna',
      password,
    })
  })

  test('comes from the first line of a file', async () => {
    const passwordFile = file('password', 'secret\nanother line\n')
    const { options } = await connectionFrom({ passwordFile }, { ETCDCTL_USER: 'anna' })
    expect(options.auth).toEqual({ username: 'anna', password: 'secret' })
  })

  test('is refused on the command line, and not repeated', async () => {
    const refused = await connectionFrom({ user: 'anna:secret' }, {}).catch((error) => error)
    expect(refused).toMatchObject({ name: 'UsageError' })
    expect(refused.message).toMatch(/ETCDCTL_PASSWORD.*--password-file/)
    expect(refused.message).not.toMatch(/secret/)
  })

  test('of nobody is no use', async () => {
    const passwordFile = file('password', 'secret')
    await expect(connectionFrom({ passwordFile }, {})).rejects.toThrow(
      /--user: the name is missing/,
    )
  })
})

test.each([
  ['5s', 5_000],
  ['1m30s', 90_000],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['5', null],
  ['-5s', null],
  ['5s later', null],
  ['', null],
])('the duration %j is %s milliseconds', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

async function credentialsOf({ credentials }: Pick<LockerOptions, 'credentials'>) {
  return typeof credentials === 'function' ? await credentials() : credentials
}
