import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { RunningCommand } from './command.js'

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

/** Runs the built command. */
function runOn(endpoint: string, ...args: readonly string[]): RunningCommand {
  const env = { ETCDCTL_ENDPOINTS: endpoint }
  const command = RunningCommand.lockedIn(env, 'candidates', ...args)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

function run(...args: readonly string[]): RunningCommand {
  return runOn(etcd.endpoint, ...args)
}

/** Nodes that have started one after the other, with these ids; the first leads. */
async function startedOn(path: string, ...ids: readonly string[]) {
  const nodes = []
  for (const id of ids) {
    const locker = locked(etcd.endpoint)
    onTestFinished(() => locker.close())
    const node = locker({ path, id, value: { host: id }, ttl: 60 })
    await node.start()
    nodes.push(node)
  }
  return nodes
}

describe('locked candidates', () => {
  test('prints the holder and who waits, in the order in which they came', async () => {
    const path = `/${randomUUID()}`
    const [a, b] = await startedOn(path, 'a', 'b', 'node c')
    if (a === undefined || b === undefined) throw new Error('unreachable')
    const before = run(path)
    expect(await before.exited).toBe(0)
    expect(before.stderr).toBe('')
    const width = `${a.token}`.length
    expect(before.stdout.split('\n')).toEqual([
      `   id        is         ${'since'.padEnd(width)}  value`,
      `1  a         holder     ${`${a.token}`.padEnd(5)}  {"host":"a"}`,
      expect.stringMatching(/^2 {2}b {9}candidate {2}\d+ +\{"host":"b"\}$/),
      expect.stringMatching(/^3 {2}"node c" {2}candidate {2}\d+ +\{"host":"node c"\}$/),
      '',
    ])

    const selected = once(b, 'select')
    await a.transfer('b')
    await selected
    const after = run(path, '--json')
    expect(await after.exited).toBe(0)
    const candidate = { since: expect.any(Number), isHolder: false }
    expect(JSON.parse(after.stdout)).toEqual([
      { id: 'b', value: { host: 'b' }, since: Number(b.token), isHolder: true },
      { id: 'node c', value: { host: 'node c' }, ...candidate },
      { id: 'a', value: { host: 'a' }, ...candidate },
    ])
  })

  test('prints what stands at the path when it is not a record', async () => {
    const path = `/${randomUUID()}`
    await client.put(path).value('junk\nand \u001b[31mmore')
    const command = run(path)
    expect(await command.exited).toBe(0)
    expect(command.stdout).toMatch(/\n1 {2}- {3}holder {2}\d+ +"junk\\nand \\u001b\[31mmore"\n$/)
  })

  test.each([
    [[], ''],
    [['--json'], '[]\n'],
  ])('exits with 1 when nobody competes, with %j', async (flags, output) => {
    const command = run(`/${randomUUID()}`, ...flags)
    expect(await command.exited).toBe(1)
    expect(command.output).toBe(output)
  })

  test('exits with 3 when etcd does not answer in time', async () => {
    await using relay = await startRelay(etcd.endpoint)
    relay.freeze()
    const command = runOn(relay.endpoint, '/x', '--command-timeout', '500ms')
    expect(await command.exited).toBe(3)
    expect(command.stdout).toBe('')
    expect(command.stderr).toMatch(/^error: [^\n]+\n$/)
  })
})
