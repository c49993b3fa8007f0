import { describe, expect, test } from 'vitest'
import { MAIN, RunningCommand } from './command.js'

async function run(...args: readonly string[]): Promise<RunningCommand & { code: number | null }> {
  using command = RunningCommand.locked(...args)
  const code = await command.exited
  return Object.assign(command, { code })
}

describe('what is wrong is one clear line, and exit code 2', () => {
  test.each([
    [['elect'], /missing required argument 'path'/],
    [['elect', '/x'], /missing required argument 'command'/],
    [['elect', '', '--', 'true'], /It must not be empty/],
    [['elect', '/x', '--ttl', '0', '--', 'true'], /--ttl .*seconds above 0/],
    [['elect', '/x', '--id', '', '--', 'true'], /--id .*must not be empty/],
    [['elect', '/x', '--nonsense', '--', 'true'], /unknown option '--nonsense'/],
    [['elect', '/x', '--endpoints', 'a:b', '--', 'true'], /--endpoints: .*"a:b" is not a host/],
    [['get'], /missing required argument 'path'/],
    [['get', '/x', '/y'], /too many arguments/],
    [['get', '/x', '--command-timeout', '5'], /--command-timeout .*such as 5s/],
    [
      ['get', '/x', '--cacert', '/nonexistent/ca'],
      /--cacert: cannot read \/nonexistent\/ca: ENOENT/,
    ],
    [['get', '/x', '--cert', '/etc/hostname'], /--cert and --key/],
    [['get', '/x', '--user', 'a:b'], /--user: a password on the command line/],
    [['candidates'], /missing required argument 'path'/],
    [['transfer'], /missing required argument 'path'/],
    [['candidates', '/x', '--command-timeout', '0s'], /--command-timeout .*such as 5s/],
    [['observe'], /either paths or --prefix/],
    [['observe', '/x', '--prefix', '/'], /either paths or --prefix/],
    [['nonsense'], /unknown command 'nonsense'/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^error: [^\n]+\n$/)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

test.skipIf(process.platform === 'win32')('it is executed as it was built', async () => {
  using command = new RunningCommand(MAIN, ['--version'])
  expect(await command.exited).toBe(0)
  expect(command.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe.skipIf(process.platform === 'win32')('where what it prints', () => {
  const inShell = (line: string) =>
    new RunningCommand('/bin/sh', ['-c', line, process.execPath, MAIN])

  test('is read by nobody any more, it says nothing of that', async () => {
    using command = inShell('{ "$0" "$1" elect --help; echo "code $?" >&2; } | true')
    await command.exited
    expect(command.output).toBe('code 0\n')
  })

  test.skipIf(process.platform !== 'linux')('cannot be written, it says so', async () => {
    using command = inShell('"$0" "$1" elect --help > /dev/full')
    expect(await command.exited).toBe(1)
    expect(command.output).toBe('error: standard output: ENOSPC: no space left on device, write\n')
  })
})

describe('--help', () => {
  test.each([['elect'], ['observe'], ['get'], ['candidates'], ['transfer']])(
    'of %s has examples and exit codes',
    async (name) => {
      const { code, stdout } = await run(name, '--help')
      expect(code).toBe(0)
      expect(stdout).toMatch(/--endpoints .*--cacert .*--cert .*--key .*--user .*--password-file /s)
      expect(stdout).toMatch(/\nExit codes:\n.*\nExamples:\n {2}.*locked /s)
    },
  )

  test.each([
    [[]],
    ...['elect', 'observe', 'get', 'candidates', 'transfer', 'demo', 'dashboard'].map((name) => [
      [name],
    ]),
  ])('of %j fits on a terminal of 80 columns', async (command) => {
    const { stdout } = await run(...command, '--help')
    expect(stdout).toMatch(/^Usage: locked /)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  test('names each command as its own help does', async () => {
    const { stdout: all } = await run('--help')
    for (const name of ['elect', 'observe', 'get', 'candidates', 'transfer', 'demo', 'dashboard']) {
      const { stdout } = await run(name, '--help')
      const [, usage = ''] = /^Usage: locked (.*)$/m.exec(stdout) ?? []
      expect(all).toContain(`\n  ${usage}  `)
    }
  })
})
