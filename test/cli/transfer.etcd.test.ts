import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type LockedNode, locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { patiently } from '../patience.js'
import { RunningCommand } from './command.js'

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
})

function run(...args: readonly string[]): RunningCommand {
  const env = { ETCDCTL_ENDPOINTS: etcd.endpoint }
  const command = RunningCommand.lockedIn(env, 'transfer', ...args)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

/** A node in a process of its own, as far as etcd can tell, that has started. */
async function started(path: string, id: string): Promise<LockedNode> {
  const locker = locked(etcd.endpoint)
  onTestFinished(() => locker.close())
  const node = locker({ path, id, value: id, ttl: 60 })
  await node.start()
  return node
}

describe('locked transfer', () => {
  test('has the leader hand over to whoever came last, or to the one that is named', async () => {
    const path = `/${randomUUID()}`
    const [a, b, c] = [await started(path, 'a'), await started(path, 'b'), await started(path, 'c')]
    const told: unknown[] = []
    a.on('deselect', (reason) => told.push(reason))
    b.on('vacant', () => told.push('vacant'))

    const first = run(path)
    expect(await first.exited).toBe(0)
    await patiently(() => expect(c.isLeader).toBe(true))
    expect(first.stdout).toBe(`c leads ${path}, with token ${c.token}\n`)
    expect(first.stderr).toBe('')

    const second = run(path, '--to', 'a')
    expect(await second.exited).toBe(0)
    await patiently(() => expect(a.isLeader).toBe(true))
    expect(second.stdout).toBe(`a leads ${path}, with token ${a.token}\n`)
    expect(told).toEqual(['transferred'])
    await patiently(() => expect([b.state, c.state]).toEqual(['follower', 'follower']))
  })

  test('waits for the work of the leader', async () => {
    const path = `/${randomUUID()}`
    const a = await started(path, 'a')
    let end = () => {}
    a.lead(({ signal }) => {
      return new Promise<void>((resolve) => {
        end = resolve
        signal.addEventListener('abort', () => undefined)
      })
    })
    const b = await started(path, 'b')
    const command = run(path)
    await patiently(() => expect(a.isLeader).toBe(false))
    expect(b.isLeader).toBe(false)
    end()
    expect(await command.exited).toBe(0)
    await patiently(() => expect(b.isLeader).toBe(true))
  })

  test.each([
    ['nobody leads', [], [], /nobody leads/],
    ['nobody waits', ['a'], [], /nobody waits/],
    ['nobody has that id', ['a', 'b'], ['--to', 'c'], /nobody with the id "c" waits.*"b"/],
    ['that one leads', ['a', 'b'], ['--to', 'a'], /"a" leads .* already/],
  ])('says so when %s, and nothing happens', async (_, ids, args, message) => {
    const path = `/${randomUUID()}`
    const nodes: LockedNode[] = []
    for (const id of ids) nodes.push(await started(path, id))
    const token = nodes[0]?.token
    const command = run(path, ...args)
    expect(await command.exited).toBe(1)
    expect(command.stderr).toMatch(message)
    expect(command.stdout).toBe('')
    expect(nodes[0]?.token).toBe(token)
  })

  test('gives up when the leader does nothing about it, and takes back what it asked', async () => {
    const path = `/${randomUUID()}`
    const a = await started(path, 'a')
    const b = await started(path, 'b')
    // Its work goes on for longer.
    a.lead(() => new Promise(() => {}))
    const command = run(path, '--command-timeout', '5s')
    expect(await command.exited).toBe(3)
    expect(command.stderr).toMatch(/has not handed over within 5000 ms/)
    expect(b.isLeader).toBe(false)
  })
})
