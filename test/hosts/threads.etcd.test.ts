import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { locked } from '../../src/index.js'
import { RunningCommand } from '../cli/command.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { vacanciesOf } from '../etcd/vacancies.js'
import { patiently } from '../patience.js'
import { Thread } from './threads/thread.js'

/** In seconds; of leaders that are ended without a word. */
const ttl = 3
/** In seconds; of leaders that stay, however long threads have to wait for a processor. */
const LONG_TTL = 60

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
})

test('nodes of several threads of a process, the main one among them, elect one', async () => {
  const path = `/threads/${randomUUID()}`
  const locker = locked(etcd.endpoint)
  onTestFinished(() => locker.close())
  // Each makes its id up.
  const main = locker(path, { value: 'main', ttl: LONG_TTL })
  const threads = await begin(3, etcd.endpoint, path, LONG_TTL)
  await Promise.all([main.start(), ...threads.map((one) => one.call('start'))])
  const looks = await Promise.all(threads.map((one) => one.call('look')))
  const leads = [main.isLeader, ...looks.map((look) => Reflect.get(Object(look), 'isLeader'))]
  expect(leads.filter(Boolean)).toHaveLength(1)
  for (const look of looks) expect(look).toMatchObject({ pid: process.pid })
  await patiently(async () => {
    const competing = await main.candidates()
    expect(competing).toHaveLength(4)
    expect(new Set(competing.map(({ id }) => id)).size).toBe(4)
    expect(competing.filter(({ isHolder }) => isHolder)).toHaveLength(1)
  })
})

describe('another thread leads', () => {
  test('once the lease has ended of one that was terminated as leader', async () => {
    const path = `/threads/${randomUUID()}`
    const vacancies = await vacanciesOf(etcd.endpoint, path)
    const [leader, other] = await leaderAndFollower(path, ttl)
    const mark = other.told.length
    await leader.terminate()
    await other.until('select', mark)
    // More than once where a busy machine has ended another session of so short a ttl.
    expect(new Set(await vacancies.untilNow())).toEqual(new Set([path]))
    // It ended without a word: neither did the node leave, nor did the thread hear of its end.
    expect(namesOf(leader)).not.toContain('deselect')
    expect(leader.heardExit).toBe(false)
  })

  test('at once where the node was stopped before, and its thread ends by itself', async () => {
    const path = `/threads/${randomUUID()}`
    const vacancies = await vacanciesOf(etcd.endpoint, path)
    const [leader, other] = await leaderAndFollower(path, LONG_TTL)
    const mark = other.told.length
    await leader.call('leave')
    expect(await leader.exited).toBe(0)
    await other.until('select', mark)
    expect(await vacancies.untilNow()).toEqual([])
    expect(namesOf(leader).at(-1)).toBe('deselect')
    expect(leader.heardExit).toBe(true)
  })

  test('once the lease has ended of one that called process.exit(), which ends the thread alone', async () => {
    const path = `/threads/${randomUUID()}`
    const [leader, other] = await leaderAndFollower(path, ttl)
    const mark = other.told.length
    const call = leader.call('exit')
    await expect(call).rejects.toThrow('the thread has ended with 7')
    expect(leader.heardExit).toBe(true)
    await other.until('select', mark)
  })
})

test('a signal reaches the main thread only, which has the others stop: the path is never vacant', async () => {
  const path = `/threads/${randomUUID()}`
  const vacancies = await vacanciesOf(etcd.endpoint, path)
  const app = () => {
    const script = fileURLToPath(new URL('threads/app.mjs', import.meta.url))
    const args = [script, etcd.endpoint, path, String(LONG_TTL)]
    const command = new RunningCommand(process.execPath, args)
    onTestFinished(() => command[Symbol.dispose]())
    return command
  }
  const first = app()
  await first.untilMatch(/2 joined/)
  const second = app()
  await second.untilMatch(/2 joined/)
  first.kill('SIGTERM')
  expect(await first.exited).toBe(0)
  expect(first.stdout).toMatch(/thread \d leads\n(.*\n)*main: SIGTERM\n/)
  expect(first.stdout).not.toMatch(/thread \d: SIGTERM/)
  expect(first.stderr).toBe('')
  await second.untilMatch(/thread \d leads/)
  expect(await vacancies.untilNow()).toEqual([])
  second.kill('SIGTERM')
  expect(await second.exited).toBe(0)
})

test('each thread has a `memory:` of its own', async () => {
  const path = `/threads/${randomUUID()}`
  const threads = await begin(2, 'memory:threads', path, ttl)
  for (const one of threads) await one.call('start')
  for (const one of threads) expect(await one.call('look')).toMatchObject({ isLeader: true })
  await Promise.all(threads.map((one) => one.call('leave')))
  expect(await Promise.all(threads.map((one) => one.exited))).toEqual([0, 0])
})

test('a viewer tells the actors of two threads apart', async () => {
  const viewer = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    for (const client of viewer.clients) client.terminate()
    viewer.close()
  })
  await once(viewer, 'listening')
  const sessions: Set<string>[] = []
  viewer.on('connection', (socket) => {
    const seen = new Set<string>()
    sessions.push(seen)
    socket.on('message', (data) => seen.add(JSON.parse(String(data)).sessionId))
  })
  const address = viewer.address()
  if (typeof address !== 'object' || address === null) throw new Error('it listens at a port')
  const path = `/threads/${randomUUID()}`
  const env = { LOCKED_INSPECT: `ws://127.0.0.1:${address.port}` }
  const threads = await begin(2, 'memory:', path, ttl, env)
  for (const one of threads) await one.call('start')
  await patiently(() => {
    expect(sessions.map(({ size }) => size > 0)).toEqual([true, true])
  })
  const [first, second] = sessions
  expect([...(first ?? [])].filter((session) => second?.has(session))).toEqual([])
})

function begin(
  count: number,
  hosts: string,
  path: string,
  ttl: number,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Thread[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      Thread.begin(hosts, { path, value: `thread ${i}`, ttl }, env),
    ),
  )
}

/** Two threads, of which the second waits as a candidate. */
async function leaderAndFollower(path: string, ttl: number): Promise<readonly [Thread, Thread]> {
  const [leader, other] = await begin(2, etcd.endpoint, path, ttl)
  if (leader === undefined || other === undefined) throw new Error('there are two')
  await leader.call('start')
  await leader.until('select')
  await other.call('start')
  await patiently(async () => expect(await other.call('candidates')).toHaveLength(2))
  return [leader, other]
}

function namesOf(thread: Thread): readonly string[] {
  return thread.told.map(({ event }) => event)
}
