import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { Authority, writeFiles } from '../secure/authority.js'
import { MAIN, RunningCommand } from './command.js'

type FileName = 'ca.pem' | 'server.pem' | 'server.key' | 'client.pem' | 'client.key'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'locked-access-'))
})

afterAll(() => rmSync(folder, { recursive: true }))

function run(env: NodeJS.ProcessEnv, ...args: readonly string[]): RunningCommand {
  const command = RunningCommand.lockedIn(env, ...args)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

describe('on an etcd with users', () => {
  let etcd: Etcd

  beforeAll(async () => {
    etcd = await startEtcd({ own: true })
    const root = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    const role = await root.role('root').create()
    await (await root.user('root').create('se:cret')).addRole(role)
    const anna = await root.user('anna').create('secret')
    const competitor = await root.role('competitor').create()
    await competitor.grant({ permission: 'Readwrite', range: root.range({ prefix: '/anna/' }) })
    await anna.addRole(competitor)
    await root.put('/anna/path').value('hers')
    await root.put('/other/path').value('not hers')
    await root.auth.authEnable({})
    root.close()
  })

  afterAll(() => etcd?.stop())

  const env = (more: NodeJS.ProcessEnv = {}) => ({ ETCDCTL_ENDPOINTS: etcd.endpoint, ...more })

  test.each([
    ['ETCDCTL_USER', { ETCDCTL_USER: 'root:se:cret' }, []],
    ['ETCDCTL_PASSWORD', { ETCDCTL_PASSWORD: 'secret' }, ['--user', 'anna']],
  ])('the password comes from %s', async (_from, more, args) => {
    const get = run(env(more), 'get', '/anna/path', ...args)
    expect(await get.exited).toBe(0)
    expect(get.output).toBe('hers\n')
  })

  test('the password comes from a file', async () => {
    const file = join(folder, 'password')
    writeFileSync(file, 'secret\n', { mode: 0o600 })
    const get = run(env({ ETCDCTL_USER: 'anna' }), 'get', '/anna/path', '--password-file', file)
    expect(await get.exited).toBe(0)
    expect(get.output).toBe('hers\n')
  })

  test('the password comes from standard input', async () => {
    const get = run(env(), 'get', '/anna/path', '--user', 'anna', '--password-file', '-')
    get.type('secret\n')
    get.endInput()
    expect(await get.exited).toBe(0)
    expect(get.output).toBe('hers\n')
  })

  test('the password is asked for on the terminal, not shown, and the command still reads its input', async () => {
    const args = `--endpoints ${etcd.endpoint} --user anna`
    const locked = `"${process.execPath}" "${MAIN}" elect /anna/elect --quiet ${args}`
    const shell = `echo piped | ${locked} -- sh -c 'read line; echo "got $line"'; echo "code $?"`
    const terminal = new RunningCommand('script', ['-qec', shell, '/dev/null'], {
      SHELL: '/bin/sh',
    })
    onTestFinished(() => terminal[Symbol.dispose]())
    await terminal.untilMatch(/Password for anna: $/)
    terminal.type('secret\r')
    await terminal.untilMatch(/got piped\r?\n/)
    await terminal.untilMatch(/code 0\r?\n/)
    expect(terminal.output).not.toContain('secret')
  })

  test('a password on the command line is refused, and not repeated', async () => {
    const get = run(env(), 'get', '/anna/path', '--user', 'anna:secret')
    expect(await get.exited).toBe(2)
    expect(get.output).toMatch(/^error: --user: [^\n]*ETCDCTL_PASSWORD[^\n]*\n$/)
    expect(get.output).not.toContain('secret')
  })

  test.each([
    [['get', '/anna/path']],
    [['candidates', '/anna/path']],
    [['observe', '/anna/path']],
    [['observe', '--prefix', '/anna/']],
    [['elect', '/anna/path', '--', 'echo', 'ran']],
  ])('a wrong password is one line and exit code 4: %j', async (args) => {
    const command = run(env({ ETCDCTL_USER: 'anna:wrong' }), ...args)
    expect(await command.exited).toBe(4)
    expect(command.output).toMatch(/^error: [^\n]*authentication failed[^\n]*\n$/)
  })

  test.each([
    [['get', '/other/path']],
    [['candidates', '/other/path']],
    [['observe', '/anna/path', '/other/path', '--quiet']],
    [['observe', '--prefix', '/']],
    [['elect', '/other/path', '--', 'echo', 'ran']],
  ])('what is not permitted is one line and exit code 4: %j', async (args) => {
    const command = run(env({ ETCDCTL_USER: 'anna:secret' }), ...args)
    expect(await command.exited).toBe(4)
    expect(command.stderr).toMatch(/^error: [^\n]*permission denied[^\n]*\n$/)
    expect(command.stdout).not.toContain('ran')
  })
})

describe('on an etcd with TLS', () => {
  let etcd: Etcd
  let files: ReturnType<typeof writeFiles<FileName>>

  beforeAll(async () => {
    const ca = await Authority.found('a CA')
    const server = await ca.issue({ commonName: 'server' })
    const client = await ca.issue({ commonName: 'client' })
    files = writeFiles({
      'ca.pem': ca.cert,
      'server.pem': server.cert,
      'server.key': server.key,
      'client.pem': client.cert,
      'client.key': client.key,
    })
    const { pathOf: file } = files
    etcd = await startEtcd({
      own: true,
      scheme: 'https',
      files: files.paths,
      extraArgs: [
        `--cert-file=${file('server.pem')}`,
        `--key-file=${file('server.key')}`,
        `--trusted-ca-file=${file('ca.pem')}`,
        '--client-cert-auth',
      ],
    })
  })

  afterAll(async () => {
    await etcd?.stop()
    files?.end()
  })

  test('certificates are named by options or by the environment', async () => {
    const { pathOf: file } = files
    const options = [
      '--cacert',
      file('ca.pem'),
      '--cert',
      file('client.pem'),
      '--key',
      file('client.key'),
    ]
    const elect = run(
      { ETCDCTL_ENDPOINTS: etcd.endpoint },
      'elect',
      '/tls',
      ...options,
      '--',
      'echo',
      'ran',
    )
    expect(await elect.exited).toBe(0)
    expect(elect.stdout).toBe('ran\n')
    expect(elect.stderr).not.toMatch(/warning/i)
    const env = {
      ETCDCTL_ENDPOINTS: `https://${etcd.endpoint}`,
      ETCDCTL_CACERT: file('ca.pem'),
      ETCDCTL_CERT: file('client.pem'),
      ETCDCTL_KEY: file('client.key'),
    }
    expect(await run(env, 'get', '/tls').exited).toBe(1)
  })

  test('a member whose certificate is not trusted is refused', async () => {
    const get = run({ ETCDCTL_ENDPOINTS: `https://${etcd.endpoint}` }, 'get', '/tls')
    expect(await get.exited).toBe(4)
    expect(get.output).toMatch(/^error: [^\n]*certificate[^\n]*\n$/)
  })
})
