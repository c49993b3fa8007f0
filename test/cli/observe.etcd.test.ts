import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { MAIN, RunningCommand } from './command.js'
import { expectOutagesSaidOnce } from './outages.js'

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

/** Runs the built command on this etcd, which it is told of by the environment. */
function run(...args: readonly string[]): RunningCommand {
  return runOn(etcd.endpoint, ...args)
}

function runOn(endpoint: string, ...args: readonly string[]): RunningCommand {
  const command = RunningCommand.lockedIn({ ETCDCTL_ENDPOINTS: endpoint }, ...args)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

/** A node that leads the path. */
async function leaderOf(path: string, value: unknown = 'a value', id = 'leader') {
  const locker = locked(etcd.endpoint)
  onTestFinished(() => locker.close())
  const node = locker({ path, id, value: JSON.parse(JSON.stringify(value)), ttl: 60 })
  await node.start()
  expect(node.isLeader).toBe(true)
  return node
}

describe('locked get', () => {
  test.each([
    ['a value', 'a value\n'],
    [{ host: 'a', port: 1 }, '{"host":"a","port":1}\n'],
    [10, '10\n'],
  ])('prints the value %j', async (value, output) => {
    const path = `/${randomUUID()}`
    await leaderOf(path, value)
    const get = run('get', path)
    expect(await get.exited).toBe(0)
    expect(get.output).toBe(output)
  })

  test('prints id, value and token as JSON', async () => {
    const path = `/${randomUUID()}`
    const { token } = await leaderOf(path, { a: [1] })
    const get = run('get', path, '--json')
    expect(await get.exited).toBe(0)
    expect(JSON.parse(get.stdout)).toEqual({
      id: 'leader',
      value: { a: [1] },
      token: Number(token),
    })
  })

  test('prints what stands at the path when it is not a record', async () => {
    const path = `/${randomUUID()}`
    await client.put(path).value('junk')
    expect(await run('get', path).exited).toBe(0)
    const get = run('get', path, '--json')
    await get.exited
    expect(JSON.parse(get.stdout)).toEqual({ id: null, value: 'junk', token: expect.any(Number) })
  })

  test.each([
    [[], ''],
    [['--json'], 'null\n'],
  ])('exits with 1 when the path is vacant, with %j', async (flags, output) => {
    const get = run('get', `/${randomUUID()}`, ...flags)
    expect(await get.exited).toBe(1)
    expect(get.output).toBe(output)
  })

  test('exits with 3 when etcd does not answer in time', async () => {
    await using relay = await startRelay(etcd.endpoint)
    relay.freeze()
    const startedAt = performance.now()
    const get = runOn(relay.endpoint, 'get', '/x', '--command-timeout', '1500ms')
    expect(await get.exited).toBe(3)
    expect(performance.now() - startedAt).toBeGreaterThan(1_500)
    expect(get.stdout).toBe('')
    expect(get.stderr).toMatch(/^error: [^\n]+\n$/)
  })

  test('waits for an etcd that comes back in time', async () => {
    const path = `/${randomUUID()}`
    await leaderOf(path)
    await using relay = await startRelay(etcd.endpoint)
    await relay.cut()
    const get = runOn(relay.endpoint, 'get', path, '--command-timeout', '60s')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await relay.heal()
    expect(await get.exited).toBe(0)
    expect(get.output).toBe('a value\n')
  })
})

describe('locked observe', () => {
  test('prints what stands at the paths, and a line for each change, in order', async () => {
    const [path, other] = [`/${randomUUID()}`, `/${randomUUID()}`]
    const node = await leaderOf(path)
    const { token } = node
    const observe = run('observe', path, other)
    await observe.untilMatch(new RegExp(`${other} vacant\n`))
    await observe.untilMatch(new RegExp(`${path} id=leader value="a value" token=${token}\n`))
    node.propose('another value')
    await observe.untilMatch(/another value/)
    await node.stop()
    await observe.untilMatch(new RegExp(`${path} vacant\n`))
    await client.put(other).value('junk\nand \u001b[31mmore')
    await observe.untilMatch(/junk/)
    observe.kill('SIGTERM')
    expect(await observe.exited).toBe(0)
    expect(observe.stderr.replace(/^.*reached.*\n/gm, '')).toBe('')
    const lines = observe.stdout.trimEnd().split('\n')
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(`^\\S+Z ${path} id=leader value="another value" token=${token}$`),
      expect.stringMatching(`^\\S+Z ${path} vacant$`),
      expect.stringMatching(
        `^\\S+Z ${other} id=- value="junk\\\\nand \\\\u001b\\[31mmore" token=\\d+$`,
      ),
    ])
    for (const line of lines) expect(Date.parse(line.split(' ')[0] ?? '')).not.toBeNaN()
  })

  test.each([['paths'], ['a prefix']])('prints lines of JSON for %s', async (of) => {
    const prefix = `/${randomUUID()}/`
    const path = `${prefix}path`
    const node = await leaderOf(path, { port: 1 })
    const { token } = node
    const what = of === 'paths' ? [path] : ['--prefix', prefix]
    const observe = run('observe', '--json', ...what)
    await observe.untilMatch(/"holder".*\n/)
    await node.stop()
    await observe.untilMatch(/null.*\n/)
    observe.kill('SIGINT')
    expect(await observe.exited).toBe(0)
    const lines = observe.stdout.trimEnd().split('\n')
    const time = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time, path, holder: { id: 'leader', value: { port: 1 }, token: Number(token) } },
      { time, path, holder: null },
    ])
  })

  test.each([['paths'], ['a prefix']])(
    'of %s outlives etcd, tells what it missed, and says so once',
    async (of) => {
      const prefix = `/${randomUUID()}/`
      const path = `${prefix}path`
      await using relay = await startRelay(etcd.endpoint)
      await client.put(path).value('before')
      const what = of === 'paths' ? [path, `${path} too`] : ['--prefix', prefix]
      const observe = runOn(relay.endpoint, 'observe', ...what)
      await observe.untilMatch(/before/)
      await relay.cut()
      await observe.untilMatch(/cannot be reached/)
      await client.put(path).value('meanwhile')
      // Long enough for several attempts.
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      await relay.heal()
      await observe.untilMatch(/can be reached again/)
      await observe.untilMatch(/meanwhile/)
      await client.put(path).value('after')
      await observe.untilMatch(/after/)
      observe.kill('SIGTERM')
      expect(await observe.exited).toBe(0)
      expect(observe.stderr).toMatch(
        /^(locked: etcd cannot be reached, trying again: [^\n]+\nlocked: etcd can be reached again\n)+$/,
      )
    },
  )

  test('waits for an etcd that is not there yet', async () => {
    const path = `/${randomUUID()}`
    await using relay = await startRelay(etcd.endpoint)
    await relay.cut()
    const observe = runOn(relay.endpoint, 'observe', path)
    await observe.untilMatch(/cannot be reached/)
    await relay.heal()
    await observe.untilMatch(/vacant\n/)
    expectOutagesSaidOnce(observe.stderr)
  })

  test('ends when nobody reads its output any more', async () => {
    const path = `/${randomUUID()}`
    const shell = new RunningCommand('sh', [
      '-c',
      `"$0" "$@" | head -n 1`,
      process.execPath,
      ...mainArgs(path),
    ])
    onTestFinished(() => shell[Symbol.dispose]())
    await shell.untilMatch(/vacant/)
    const put = () => client.put(path).value(`${Math.random()}`).exec()
    // One may be on its way when the client is closed.
    const putting = setInterval(() => void put().catch(() => undefined), 100)
    try {
      expect(await shell.exited).toBe(0)
    } finally {
      clearInterval(putting)
    }
  })
})

function mainArgs(path: string): readonly string[] {
  return [MAIN, 'observe', path, '--endpoints', etcd.endpoint]
}
