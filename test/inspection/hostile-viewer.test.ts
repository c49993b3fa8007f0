import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createSecureServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { assertBuilt } from '../package/built.js'
import { Authority, writeFiles } from '../secure/authority.js'

// However busy the machine is; what matters is told by the process itself.
vi.setConfig({ testTimeout: 60_000 })

/** Of each node: a heap takes a while to be what it stays. One that the sender went on to know were 1,200 more. */
const MOST_LEFT_BYTES = 600

const script = fileURLToPath(new URL('alone.mjs', import.meta.url))

beforeAll(() => assertBuilt())

/** What a viewer does with each connection, once it has its request for an upgrade. */
const VIEWERS: Readonly<Record<string, (socket: Socket, request: string) => void>> = {
  'says nothing': () => {},
  'answers a letter at a time': (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nX-Drip: ')
    const timer = setInterval(() => socket.write('.'), 100)
    socket.on('close', () => clearInterval(timer))
  },
  'upgrades, and says no more': upgrade,
  'upgrades, and closes without an end': (socket, request) => {
    upgrade(socket, request)
    // A frame that closes, of no bytes.
    socket.write(Buffer.from([0x88, 0]))
  },
}

describe('a process that has nothing else to do ends, though its viewer', () => {
  for (const [name, act] of Object.entries(VIEWERS)) {
    test(name, async () => {
      const viewer = await startViewer(act)
      await expectToEnd(viewer)
    })

    test(`${name}, over TLS`, async () => {
      await expectToEnd(await startSecureViewer(act))
    })
  }

  test('says nothing while TLS begins', async () => {
    const viewer = await startViewer(() => {})
    await expectToEnd({ ...viewer, url: viewer.url.replace('ws:', 'wss:') })
  })

  test('answers a byte at a time while TLS begins', async () => {
    const viewer = await startViewer((socket) => {
      // The head of a record that holds a handshake, and what it claims to hold.
      socket.write(Buffer.from([0x16, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xfb]))
      const timer = setInterval(() => socket.write(Buffer.from([3])), 100)
      socket.on('close', () => clearInterval(timer))
    })
    await expectToEnd({ ...viewer, url: viewer.url.replace('ws:', 'wss:') })
  })
})

/** Once that viewer has been asked, the node is stopped. */
async function expectToEnd({ url, asked, env }: Viewer): Promise<void> {
  const { child, said } = start(['finish'], url, env)
  await asked
  child.stdin.write('go on\n')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await said).toEqual({ out: 'true\nkept by nothing\n', err: '' })
}

test('a process that has nothing else to do ends, though no name server answers', async () => {
  const server = createSocket('udp4')
  onTestFinished(() => void server.close())
  const asked = once(server, 'message')
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { child, said } = start(['finish'], 'ws://viewer.example:4100/inspect', {
    NAME_SERVER: `127.0.0.1:${server.address().port}`,
  })
  const [question] = await asked
  expect(String(question)).toContain('viewer')
  child.stdin.write('go on\n')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await said).toEqual({ out: 'true\nkept by nothing\n', err: '' })
})

describe('a node goes on leading, though its viewer sends', () => {
  const bodies: Readonly<Record<string, Buffer>> = {
    'a message of 80 MB': frame(0x81, Buffer.alloc(80_000_000, 'x')),
    'a compressed message': frame(0xc1, Buffer.alloc(1_000)),
    'bytes that are no frame': Buffer.alloc(100_000, 0xff),
    'a text that is not UTF-8': frame(0x81, Buffer.from([0xc0, 0x80])),
    'a message nested deeply': frame(0x81, Buffer.from('['.repeat(60_000))),
    'what is no message of ours': frame(0x81, Buffer.from('{"__proto__":null,"type":7}')),
  }
  for (const [name, body] of Object.entries(bodies)) {
    test(name, async () => {
      const viewer = await startViewer((socket, request) => {
        upgrade(socket, request)
        socket.write(body)
      })
      const { child, said } = start(['finish'], viewer.url)
      await viewer.asked
      // It hears of an end, or it has taken the message: then it is asked again after a while.
      await Promise.race([viewer.ended, sleep(500)])
      child.stdin.write('go on\n')
      expect(await once(child, 'exit')).toEqual([0, null])
      expect(await said).toEqual({ out: 'true\nkept by nothing\n', err: '' })
    })
  }

  test('nothing but an offer to compress, which is refused', async () => {
    const offers: string[] = []
    const viewer = await startViewer((socket, request) => {
      offers.push(request)
      upgrade(socket, request, 'Sec-WebSocket-Extensions: permessage-deflate\r\n')
    })
    const { child } = start(['finish'], viewer.url)
    await viewer.ended
    child.stdin.write('go on\n')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(offers.join()).not.toMatch(/extensions/i)
  })
})

describe('what is secret in the address is not shown', () => {
  test('when the viewer cannot be reached', async () => {
    const viewer = await startViewer((socket) => socket.resetAndDestroy())
    const { host } = new URL(viewer.url)
    const { child, said } = start(['finish'], `ws://user:secret@${host}/inspect?token=hidden`, {
      NODE_DEBUG: 'locked',
    })
    await viewer.ended
    child.stdin.write('go on\n')
    await once(child, 'exit')
    const { err } = await said
    expect(err).toContain(`ws://${host}: `)
    expect(err).not.toMatch(/secret|hidden/)
  })

  for (const [address, wrong] of [
    ['http://user:secret@127.0.0.1:4100/inspect', 'was given one that begins with http:'],
    ['ws://user:secret@:0/inspect', 'was given what is no address'],
    ['ws://user:secret@[::1', 'was given what is no address'],
    ['ws://127.0.0.1/#secret', 'was given one with a fragment (#…)'],
    ['secret', 'was given what is no address'],
  ] as const) {
    test(`when it is none: ${wrong} (${address.length} characters)`, async () => {
      const { child, said } = start(['finish'], address)
      await once(child, 'exit')
      const { err } = await said
      expect(err).toContain(
        'RangeError: LOCKED_INSPECT: expected a WebSocket address such as ws://127.0.0.1:4100/inspect',
      )
      expect(err).toContain(wrong)
      expect(err).not.toContain('secret')
    })
  }
})

describe('nodes that came and went, whether there is a viewer or not', () => {
  const urls = async () => [(await startViewer(upgrade)).url, 'ws://127.0.0.1:1']

  test('are held by nobody', async () => {
    for (const url of await urls()) {
      const { said } = start(['come-and-go', '200'], url)
      expect(await said).toEqual({ out: '0\n', err: '' })
    }
  })

  test('leave nothing behind that grows with their number', { timeout: 300_000 }, async () => {
    for (const url of await urls()) {
      const { said } = start(['grow', '2000', '4000'], url)
      const { out, err } = await said
      expect(err).toBe('')
      expect(Number(out), out).toBeLessThan(MOST_LEFT_BYTES)
    }
  })
})

function start(args: readonly string[], url: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ['--expose-gc', script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env, LOCKED_INSPECT: url },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = Promise.all([text(child.stdout), text(child.stderr)]).then(([out, err]) => ({
    out,
    err,
  }))
  return { child, said }
}

interface Viewer {
  readonly url: string
  /** Resolves with the first connection's request. */
  readonly asked: Promise<unknown>
  /** Resolves with the first connection's end. */
  readonly ended: Promise<unknown>
  /** What a process has to have in its environment to reach it. */
  readonly env?: NodeJS.ProcessEnv
}

type Act = (socket: Socket, request: string) => void

/** A viewer on a raw socket. */
function startViewer(act: Act): Promise<Viewer> {
  return serve(createServer(), 'connection', act)
}

/** The same over TLS: `act` is called once that has begun, and the request has come. */
async function startSecureViewer(act: Act): Promise<Viewer> {
  const authority = await Authority.found('viewers')
  const files = writeFiles({ 'ca.pem': authority.cert })
  onTestFinished(files.end)
  const server = createSecureServer(await authority.issue({ commonName: 'viewer' }))
  const { url, ...viewer } = await serve(server, 'secureConnection', act)
  const env = { NODE_EXTRA_CA_CERTS: files.pathOf('ca.pem') }
  return { ...viewer, url: url.replace('ws:', 'wss:'), env }
}

async function serve(server: Server, event: string, act: Act): Promise<Viewer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  const told = new EventEmitter()
  const [asked, ended] = [once(told, 'asked'), once(told, 'ended')]
  server.on(event, (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => told.emit('ended'))
    socket.once('data', (data) => {
      act(socket, String(data))
      told.emit('asked')
    })
    socket.resume()
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the viewer has no port')
  const url = `ws://127.0.0.1:${address.port}/inspect`
  return { url, asked, ended }
}

function upgrade(socket: Socket, request: string, more = ''): void {
  const key = /^sec-websocket-key: (.*)$/im.exec(request)?.[1]?.trim() ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n${more}\r\n`,
  )
}

/** A frame of a server, with its length in eight bytes. */
function frame(first: number, body: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head[0] = first
  head[1] = 127
  head.writeBigUInt64BE(BigInt(body.length), 2)
  return Buffer.concat([head, body])
}
