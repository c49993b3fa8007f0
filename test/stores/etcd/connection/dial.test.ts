import { createServer as createProxy } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dial } from '../../../../src/stores/etcd/connection/dial.js'
import { proxyTo } from '../../../../src/stores/etcd/connection/proxy.js'
import { Authority } from '../../../secure/authority.js'

const servers: Server[] = []
const sockets = new Set<Socket>()
const { signal } = new AbortController()
const HANGS_MS = 60_000

beforeEach(() => {
  for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy']) {
    vi.stubEnv(name, undefined)
  }
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const socket of sockets) socket.destroy()
  await Promise.all(servers.splice(0).map((one) => new Promise((done) => one.close(done))))
})

describe('somebody who takes connections is dialled', () => {
  test('directly', async () => {
    await dial(await listen(createServer()), { timeoutMs: HANGS_MS, signal })
  })

  test('by way of the proxy, which is asked for that address', async () => {
    const asked: string[] = []
    const to = await listen(createServer())
    vi.stubEnv('http_proxy', `http://ann:secret@${await listenProxy(asked)}`)
    await dial(to, { timeoutMs: HANGS_MS, signal })
    const login = `Basic ${Buffer.from('ann:secret').toString('base64')}`
    expect(asked).toEqual([`${to} ${login}`])
  })

  test.each([['directly'], ['by way of the proxy']])('with a handshake, %s', async (way) => {
    const { cert, key } = await (await Authority.found('somebody')).issue({ commonName: 'server' })
    const names: unknown[] = []
    const server = createSecureServer({ cert, key }, (socket) => {
      names.push(socket.servername)
      socket.on('error', () => undefined)
    })
    const to = await listen(server)
    if (way !== 'directly') vi.stubEnv('http_proxy', `http://${await listenProxy([])}`)
    await dial(to, { timeoutMs: HANGS_MS, signal }, { name: 'server.example' })
    await vi.waitFor(() => expect(names).toEqual(['server.example']))
  })

  test('directly where no_proxy names the host', async () => {
    vi.stubEnv('http_proxy', `http://${await closedAddress()}`)
    vi.stubEnv('no_proxy', 'localhost,127.0.0.1')
    await dial(await listen(createServer()), { timeoutMs: HANGS_MS, signal })
  })
})

test('a handshake that has begun when it is given up is finished: a server would log it', async () => {
  const { cert, key } = await (await Authority.found('somebody')).issue({ commonName: 'server' })
  const given = new AbortController()
  const failed: Error[] = []
  const [finished, ended] = [vi.fn(), vi.fn()]
  const server = createSecureServer(
    {
      cert,
      key,
      SNICallback: (_name, answer) => {
        given.abort(new Error('given up'))
        answer(null)
      },
    },
    (socket) => {
      finished()
      socket.resume().on('end', ended)
    },
  )
  server.on('tlsClientError', (error) => failed.push(error))
  const dialling = dial(
    await listen(server),
    { timeoutMs: HANGS_MS, signal: given.signal },
    { name: 'server.example' },
  )
  await expect(dialling).rejects.toThrow('given up')
  await vi.waitFor(() => expect(ended).toHaveBeenCalled())
  expect(finished).toHaveBeenCalled()
  expect(failed).toEqual([])
})

test('directly, although there is a proxy, where gRPC is told not to use it', async () => {
  vi.stubEnv('http_proxy', `http://${await closedAddress()}`)
  await dial(await listen(createServer()), { timeoutMs: HANGS_MS, signal, byProxy: false })
})

describe('nobody is there', () => {
  test('where no_proxy names the host, although there is a proxy', async () => {
    vi.stubEnv('http_proxy', `http://${await listenProxy([])}`)
    vi.stubEnv('no_proxy', '127.0.0.0/8')
    const dialled = dial(await closedAddress(), { timeoutMs: HANGS_MS, signal })
    await expect(dialled).rejects.toThrow('ECONNREFUSED')
  })

  test('says the proxy', async () => {
    vi.stubEnv('https_proxy', `http://${await listenProxy([])}`)
    const to = await closedAddress()
    const dialled = dial(to, { timeoutMs: HANGS_MS, signal })
    await expect(dialled).rejects.toThrow(`the proxy does not connect to ${to}: HTTP/1.1 502`)
  })

  test('who answers in time: a proxy that says nothing is left', async () => {
    vi.stubEnv('grpc_proxy', `http://${await listen(createServer())}`)
    const dialled = dial('10.0.0.1:2379', { timeoutMs: 50, signal })
    await expect(dialled).rejects.toThrow('10.0.0.1:2379 does not answer within 50 ms')
  })
})

test.each([
  ['a.example', 'b.example', true],
  ['etcd.a.example', 'b.example,.a.example', false],
  ['10.1.2.3', '10.1.0.0/16', false],
  ['10.2.2.3', '10.1.0.0/16', true],
  ['10.2.2.3', '10.1.0.0/99,::/0', true],
  ['a.example', '', true],
])('%s with no_proxy=%s goes by way of a proxy: %s', (host, exceptions, goes) => {
  const proxy = proxyTo(host, { http_proxy: 'http://proxy.example', no_proxy: exceptions })
  expect(proxy !== null).toBe(goes)
})

async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closedAddress(): Promise<string> {
  const server = createServer()
  const address = await listen(server)
  await new Promise((done) => servers.pop()?.close(done))
  return address
}

/** A proxy that notes what it is asked for, and by whom. */
function listenProxy(asked: string[]): Promise<string> {
  const proxy = createProxy()
  proxy.on('connect', ({ url = '', headers }, socket: Socket) => {
    asked.push(`${url} ${headers['proxy-authorization']}`)
    const [host = '', port] = url.split(':')
    const onwards = connect({ host, port: Number(port) })
    sockets.add(onwards)
    onwards.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onwards).pipe(socket)
    })
    onwards.on('error', () => socket.end('HTTP/1.1 502 Bad gateway\r\n\r\n'))
  })
  return listen(proxy)
}
