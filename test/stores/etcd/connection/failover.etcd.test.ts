import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createNetServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { locked } from '../../../../src/index.js'
import { type Etcd, startEtcd } from '../../../etcd/index.js'
import { freePort } from '../../../etcd/ports.js'
import { startRelay } from '../../../etcd/relay.js'
import { timeNet } from '../../../load/starvation.js'
import { runElect } from '../../../secure/run-elect.js'

/** Within how many milliseconds of its own a node has joined, whatever some hosts do. */
const SOON_MS = 1_000

let etcd: Etcd
let port: string
/** Passes on to it what comes to ::1. */
let v6: Server
let v6Port: number

beforeAll(async () => {
  etcd = await startEtcd({ own: true })
  port = etcd.endpoint.split(':')[1] ?? ''
  v6 = createNetServer((client) => {
    const target = connect(Number(port), '127.0.0.1')
    client.pipe(target).pipe(client)
    for (const socket of [client, target]) socket.on('error', () => {})
  })
  v6Port = await freePort()
  await new Promise<void>((resolve) => v6.listen(v6Port, '::1', resolve))
})

afterAll(async () => {
  await etcd?.stop()
  v6?.close()
})

describe('a node finds etcd', () => {
  test.each<[string, () => string | string[]]>([
    ['an address', () => `127.0.0.1:${port}`],
    ['an address with a scheme', () => `http://127.0.0.1:${port}`],
    ['a name', () => `localhost:${port}`],
    ['an IPv6 address', () => `[::1]:${v6Port}`],
    ['an IPv6 address with a scheme', () => `http://[::1]:${v6Port}`],
    ['a list with spaces', () => ` 127.0.0.1:${port} , http://localhost:${port} `],
    ['a list as an array', () => [`localhost:${port}`, ` http://127.0.0.1:${port}/`]],
  ])('by %s', async (_how, hosts) => {
    expect(await join(hosts())).toBeLessThan(SOON_MS)
  })

  test('and does not wait for a host that is down, whatever their order', async () => {
    const down = `127.0.0.1:${await freePort()}`
    expect(await join([down, etcd.endpoint])).toBeLessThan(SOON_MS)
    expect(await join([etcd.endpoint, down])).toBeLessThan(SOON_MS)
  })

  test('and does not wait for a host whose name is not known', async () => {
    expect(await join([`nobody.invalid:${port}`, etcd.endpoint])).toBeLessThan(SOON_MS)
  })

  test('and does not wait for a host that takes connections and is silent', async () => {
    const silent = await startRelay(etcd.endpoint)
    onTestFinished(() => silent.stop())
    silent.freeze()
    expect(await join([silent.endpoint, etcd.endpoint])).toBeLessThan(SOON_MS)
    expect(await join([etcd.endpoint, silent.endpoint])).toBeLessThan(SOON_MS)
  })

  test('and does not wait for a host that swallows packets', async () => {
    const swallowing = await swallow()
    expect(await join([swallowing, etcd.endpoint])).toBeLessThan(SOON_MS)
    expect(await join([etcd.endpoint, swallowing])).toBeLessThan(SOON_MS)
  })

  test('and its process ends soon after it has stopped, though a host still swallows packets', async () => {
    const { said, lingeredMs, starvedMs } = await runElect({
      hosts: [await swallow(), etcd.endpoint],
    })
    expect(said).toMatchObject([{ event: 'started' }, { event: 'stopped' }])
    expect(said[0]?.ms).toBeLessThan(SOON_MS + starvedMs)
    expect(lingeredMs).toBeLessThan(2_000)
  })
})

test('a process whose only host swallows packets ends soon after its node has stopped', async () => {
  const { said, lingeredMs } = await runElect({ hosts: await swallow(), patient: false })
  expect(said).toMatchObject([{ event: 'stopped' }])
  expect(lingeredMs).toBeLessThan(2_000)
})

test('a proxy that gRPC is told of is used, though etcd cannot be reached without it', async () => {
  const asked: (string | undefined)[] = []
  const proxy = createServer().on('connect', ({ url }, client) => {
    asked.push(url)
    const target = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    for (const socket of [client, target]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  const { said } = await runElect({
    hosts: 'etcd.invalid:2379',
    env: { grpc_proxy: `http://127.0.0.1:${address.port}` },
  })
  expect(said).toMatchObject([{ event: 'started', state: 'leader' }, { event: 'stopped' }])
  expect(asked).toContain('etcd.invalid:2379')
})

test('no host is preferred: many nodes spread over those that answer', async () => {
  const relays = await Promise.all([1, 2, 3].map(() => startRelay(etcd.endpoint)))
  onTestFinished(async () => {
    await Promise.all(relays.map((relay) => relay.stop()))
  })
  const lockers = Array.from({ length: 30 }, () => locked(relays.map(({ endpoint }) => endpoint)))
  onTestFinished(async () => {
    await Promise.all(lockers.map((locker) => locker.close()))
  })
  for (const locker of lockers) await locker('/spread', { value: 1 }).start()
  await expect.poll(() => relays.reduce((sum, { open }) => sum + open, 0)).toBe(lockers.length)
  for (const { open } of relays) expect(open).toBeGreaterThan(2)
})

test('hosts for etcdctl are not taken for ours', async () => {
  const env = { ETCDCTL_ENDPOINTS: `127.0.0.1:${await freePort()}` }
  const { said } = await runElect({ hosts: etcd.endpoint, env })
  expect(said).toMatchObject([{ event: 'started', state: 'leader' }, { event: 'stopped' }])
  const none = await runElect({ hosts: undefined, env: { ETCDCTL_ENDPOINTS: etcd.endpoint } })
  expect(none.said).toEqual([])
  expect(none.stderr).toMatch(/TypeError: hosts: expected hosts/)
})

/** Joins an election there and leaves it; resolves with how long joining took, net of starvation. */
async function join(hosts: string | string[]): Promise<number> {
  const node = locked(hosts)('/hosts', { value: 1 })
  const tookMs = await timeNet(() => node.start())
  await node.stop()
  return tookMs
}

/** An address of this machine to which no connection comes about: nobody takes those that wait. */
async function swallow(): Promise<string> {
  const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    function () { console.log(this.address().port) })`
  const child: ChildProcess = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const sockets = new Set<ReturnType<typeof connect>>()
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    child.kill('SIGKILL')
  })
  const [line] = await once(child.stdout ?? child, 'data')
  const port = Number(line)
  child.kill('SIGSTOP')
  for (;;) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.add(socket)
    const isFull = await Promise.race([
      once(socket, 'connect').then(() => false),
      new Promise((resolve) => setTimeout(resolve, 500, true)),
    ])
    if (isFull) return `127.0.0.1:${port}`
  }
}
