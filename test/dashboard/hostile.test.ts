import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunningCommand } from '../cli/command.js'
import { abandon, exchange, type Moment, upgradeRequest } from './raw.js'
import { open, openDashboard } from './served.js'

const TOKEN = 'a token of this test'
/** A dashboard is asked so often at least, whatever it answers. */
const LEAST_CONNECTIONS = 150

let command: RunningCommand
let port: number

// What is at etcd's address is of no interest here: nobody listens.
const run = (env: NodeJS.ProcessEnv = {}) =>
  RunningCommand.lockedIn(env, 'dashboard', '--endpoints', '127.0.0.1:1', '--port', '0')

const runDemo = () => RunningCommand.locked('demo', '--port', '0')

async function portOf(running: RunningCommand): Promise<number> {
  const [, found] = await running.untilMatch(/dashboard is at http:\/\/[^:]+:(\d+)/)
  return Number(found)
}

beforeAll(async () => {
  command = run()
  port = await portOf(command)
})

afterAll(() => command[Symbol.dispose]())

/** The process is the same, and answers: whoever has that cookie, if it asks for one. */
async function expectToServe(running = command, at = port, cookie = ''): Promise<void> {
  const head = ['GET / HTTP/1.1', `Host: 127.0.0.1:${at}`, `Cookie: ${cookie}`, 'Connection: close']
  const answer = await exchange(at, `${head.join('\r\n')}\r\n\r\n`)
  expect(answer, running.stderr).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*<html/)
}

/** What a browser that was let in shows. */
async function cookieFor(token: string, at: number): Promise<string> {
  const target = `/?token=${encodeURIComponent(token)}`
  const answer = await exchange(
    at,
    `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
  )
  return /^set-cookie: ([^;]+);/im.exec(answer)?.[1] ?? expect.fail(answer)
}

/** Cookies that nobody was given, named as those of the dashboard at that port. */
function wrongCookies(at: number): readonly string[] {
  const name = `locked-session-${at}`
  const digits = '0123456789abcdef'.repeat(4)
  return [
    `${name}=x`,
    `${name}=%E0%A4%A`,
    `${name}=`,
    name,
    `${name}=${digits}`,
    `${name}=${digits.slice(1)}`,
    `${name}=${digits}0`,
    `${name}=${digits.repeat(100)}`,
    `${name}=x; ${name}=${digits}`,
    `${name}=x; ${name}; ${name}=%E0%A4%A`,
    `${name}==; =${name}`,
    `${name}="${digits}"`,
    `locked-session=x`,
  ]
}

describe('nobody ends the dashboard', () => {
  test.each([
    [400, upgradeRequest('//', 'elsewhere.example')],
    [400, upgradeRequest('//', '127.0.0.1')],
    [400, upgradeRequest('http://[', '127.0.0.1')],
    [404, upgradeRequest('/', '127.0.0.1')],
    [404, upgradeRequest('*', '127.0.0.1')],
    [404, upgradeRequest('/__proto__', '127.0.0.1')],
    [403, upgradeRequest('/live', 'elsewhere.example')],
    [403, upgradeRequest('/live', ':::')],
    [403, upgradeRequest('/live', '')],
    [403, upgradeRequest('/live', '127.0.0.1', 'Origin: null')],
    [403, upgradeRequest('/live', 'elsewhere.example', 'Authorization: Bearer ')],
    [400, upgradeRequest('/live', '127.0.0.1', 'Sec-WebSocket-Key: another')],
    [400, 'GET // HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'],
    [400, 'no request\r\n\r\n'],
    [431, `GET / HTTP/1.1\r\nHost: ${'x'.repeat(100_000)}\r\n\r\n`],
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [404, 'GET /%6cive HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'],
    [404, upgradeRequest('/%6cive', '127.0.0.1')],
    [404, upgradeRequest('/live/', '127.0.0.1')],
    [404, upgradeRequest('/live%00', '127.0.0.1')],
    [403, upgradeRequest('http://127.0.0.1/live', 'elsewhere.example')],
    [403, upgradeRequest('/live', '127.0.0.1', 'Origin: http://127.0.0.1', 'Origin: http://x')],
    [403, upgradeRequest('/live', 'elsewhere.example', 'Host: 127.0.0.1')],
  ])('with what is answered %d: %j', async (status, request) => {
    expect(await exchange(port, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await expectToServe()
  })

  test.each([
    ['the dashboard', run],
    ['the demo', runDemo],
  ])(
    'by upgrading to //, or by a refused upgrade whose connection is reset: %s',
    async (_which, begin) => {
      using own = begin()
      const at = await portOf(own)
      for (const host of ['elsewhere.example', '127.0.0.1']) {
        expect(await exchange(at, upgradeRequest('//', host))).toMatch(/^HTTP\/1\.1 400 /)
      }
      const refused = upgradeRequest(
        '/live',
        `127.0.0.1:${at}`,
        'Origin: https://elsewhere.example',
      )
      for (let turn = 0; turn < 200; turn += 1) {
        await abandon(at, [Buffer.from(refused)], turn % 2 ? 'after writing' : 'when answered')
      }
      await expectToServe(own, at)
    },
  )

  test('with a cookie that it was not given', async () => {
    for (const cookie of wrongCookies(port)) {
      for (const more of [[`Cookie: ${cookie}`], [`Cookie: ${cookie}`, `Cookie: ${cookie}`]]) {
        const request = upgradeRequest('/live', 'elsewhere.example', ...more)
        expect(await exchange(port, request), cookie).toMatch(/^HTTP\/1\.1 403 /)
      }
    }
    await expectToServe()
  })

  test('with whatever it sends, and resets whenever it does', async () => {
    const statuses = await expectToStandAll(command, port, `locked-session-${port}=x`)
    expect([...statuses]).toEqual(expect.arrayContaining(['101', '400', '403']))
  })

  test('with whatever it sends where a token is set, of which it guesses some', async () => {
    using own = run({ LOCKED_DASHBOARD_TOKEN: TOKEN })
    const at = await portOf(own)
    const statuses = await expectToStandAll(own, at, await cookieFor(TOKEN, at))
    // Those who have the cookie are let in, while guesses are not looked at.
    expect([...statuses]).toEqual(expect.arrayContaining(['101', '400', '403', '429']))
  })
})

/**
 * Has a dashboard take whatever connections may bring, some of them with this cookie, and answer after
 * each few of them. Resolves with the statuses of its answers, as far as anybody waited for one.
 */
async function expectToStandAll(
  running: RunningCommand,
  at: number,
  cookie: string,
): Promise<ReadonlySet<string>> {
  let taken = 0
  const statuses = new Set<string>()
  const connections = fc.array(fc.tuple(connection(at, cookie), moments), {
    minLength: 3,
    maxLength: 6,
  })
  await fc.assert(
    fc.asyncProperty(connections, async (some) => {
      const answers = await Promise.all(some.map(([parts, moment]) => abandon(at, parts, moment)))
      taken += some.length
      for (const answer of answers) {
        for (const [, status = ''] of answer.matchAll(/^HTTP\/1\.1 (\d+) /gm)) statuses.add(status)
      }
      await expectToServe(running, at, cookie)
    }),
    { numRuns: 60, endOnFailure: true },
  )
  expect(taken).toBeGreaterThanOrEqual(LEAST_CONNECTIONS)
  return statuses
}

test('a connection that nobody closes does not keep the dashboard from ending', async () => {
  const own = run({ LOCKED_DASHBOARD_TOKEN: TOKEN })
  const at = await portOf(own)
  const idle = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  idle.on('error', () => undefined)
  idle.write(upgradeRequest('/nothing', '127.0.0.1'))
  await once(idle, 'data')
  own.kill('SIGINT')
  expect(await own.exited).toBe(0)
  idle.destroy()
})

test.each([
  ['Content-Length: 4', 'Transfer-Encoding: chunked'],
  ['Content-Length: 4', 'Content-Length: 5'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding:\n chunked'],
  ['Transfer-Encoding: chunked, identity'],
  ['Content-Length: 0\n'],
])('what another server takes for one request is not taken for two: %j', async (...headers) => {
  const head = ['POST / HTTP/1.1', 'Host: 127.0.0.1', ...headers].join('\r\n')
  const second = 'GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
  const answer = await exchange(port, `${head}\r\n\r\n0\r\n\r\n${second}`)
  expect(answer).toMatch(/^HTTP\/1\.1 40[05] /)
  expect(answer).not.toMatch(/^HTTP\/1\.1 404 /m)
  await expectToServe()
})

describe('no connection makes the dashboard keep more and more', () => {
  test.each(['/live', '/inspect'])('by a message in many parts, to %s', async (path) => {
    const { socket, answer } = open(port, path)
    expect(await answer).toBe(101)
    const closed = once(socket, 'close')
    for (let part = 0; part < 100; part += 1) socket.send('[', { fin: false })
    await closed
    await expectToServe()
  })

  test('by asking without end, and reading none of the answers', async () => {
    const { port: own } = await openDashboard({
      allowControl: true,
      handOver: () => Promise.resolve(),
    })
    const asked = JSON.stringify({ type: 'hand over', path: 'x'.repeat(9_000), to: null })
    const frame = Buffer.concat([
      Buffer.from([0x81, 0xfe, asked.length >> 8, asked.length & 0xff, 0, 0, 0, 0]),
      Buffer.from(asked),
    ])
    const some = Buffer.concat(Array.from({ length: 50 }, () => frame))
    const socket = connect(own, '127.0.0.1')
    const left = new Promise<void>((resolve) => {
      socket.on('close', resolve)
    })
    socket.on('error', () => undefined)
    // Nothing is read.
    socket.pause()
    socket.write(upgradeRequest('/live', `127.0.0.1:${own}`))
    const ask = () => socket.write(some, (error) => !error && setImmediate(ask))
    ask()
    await left
  })

  test('by pings without end, and reading none of the answers', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.pause()
    socket.write(upgradeRequest('/inspect', `127.0.0.1:${port}`))
    const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)])
    const some = Buffer.concat(Array.from({ length: 1_000 }, () => ping))
    const before = residentBytes(command.pid)
    // More than the sockets of both sides hold.
    for (let time = 0; time < 1_000; time += 1) {
      await new Promise((written) => socket.write(some, written))
    }
    await expectToServe()
    expect(residentBytes(command.pid) - before).toBeLessThan(60_000_000)
    socket.destroy()
  })

  test('by the head of a request, a letter at a time', async () => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', () => undefined)
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Drip: `)
    const dripping = setInterval(() => socket.write('.'), 100)
    await once(socket, 'close')
    clearInterval(dripping)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    await expectToServe()
  })

  test('by two thousand connections that say nothing, or half of what they have to', async () => {
    const before = residentBytes(command.pid)
    const texts = ['', 'GET', 'GET / HTTP/1.1\r\nHost: x\r\n', upgradeRequest('/nothing', 'x')]
    const sockets = await Promise.all(
      Array.from({ length: 2_000 }, async (_, index) => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        socket.write(texts[index % texts.length] ?? '')
        return socket
      }),
    )
    await expectToServe()
    expect(residentBytes(command.pid) - before).toBeLessThan(100_000_000)
    for (const socket of sockets) socket.resetAndDestroy()
    await expectToServe()
  })
})

/** As Linux counts it. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
}

const moments = fc.constantFrom<Moment>(
  'before writing',
  'after writing',
  'when answered',
  'half closed',
)

/** What is written to one connection of a dashboard, in its parts. Some of it shows this cookie. */
function connection(at: number, cookie: string): fc.Arbitrary<Buffer[]> {
  const junk = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  const shown = fc.oneof(
    fc.constantFrom([], [`Cookie: ${cookie}`], [`Cookie: other=x; ${cookie}`]),
    fc.constantFrom(...wrongCookies(at)).map((wrong) => [`Cookie: ${wrong}`]),
    fc.constantFrom(...wrongCookies(at)).map((wrong) => [`Cookie: ${wrong}; ${cookie}`]),
    fc.nat().map((guess) => [`Authorization: Bearer guess ${guess}`]),
  )
  return fc.oneof(
    { weight: 1, arbitrary: fc.array(junk, { maxLength: 3 }) },
    { weight: 4, arbitrary: fc.array(request(at, cookie), { minLength: 1, maxLength: 3 }) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.constantFrom('/live', '/inspect'), shown, fc.array(frame(), { maxLength: 8 }))
        .map(([path, headers, frames]) => [
          Buffer.from(upgradeRequest(path, '127.0.0.1', ...headers)),
          ...frames,
        ]),
    },
  )
}

/** A request with headers that mean something to the server, some of them nonsense. */
function request(at: number, cookie: string): fc.Arbitrary<Buffer> {
  // Line ends are no part of a header's value, or there would be other headers and requests.
  const text = fc
    .string({ unit: 'binary', maxLength: 30 })
    .map((one) => one.replaceAll(/[\r\n]/g, ''))
  // Mostly what makes sense, or hardly a request would get beyond its parser.
  const value = (...sensible: readonly string[]) =>
    fc.option(
      fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom(...sensible) },
        { weight: 1, arbitrary: text },
        {
          weight: 1,
          arbitrary: fc.tuple(fc.constantFrom(...sensible), text).map((two) => two.join('')),
        },
      ),
      { nil: null, freq: 2 },
    )
  const target = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('/', '/page.js', '/nothing', '/live', '/inspect') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...['//', '*', 'http://[', '/?token=', 'x:y', '//live', '/live?%', '/?token=%E0%A4%A'],
        ...['http://127.0.0.1/live', '/\\x', 'a://b'],
      ),
    },
    { weight: 1, arbitrary: text.map((one) => `/${one.replaceAll(' ', '')}`) },
  )
  return fc
    .record({
      method: mostly(['GET'], ['HEAD', 'POST', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI', 'get']),
      target,
      version: mostly(['HTTP/1.1'], ['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']),
      host: mostly(
        ['127.0.0.1'],
        ['localhost', '[::1]', ':::', 'elsewhere.example', '127.0.0.1:99999999', ''],
      ),
      origin: value('http://127.0.0.1', 'null', 'https://elsewhere.example', '', 'http://['),
      cookie: value(cookie, ...wrongCookies(at), '=;=;', ';'),
      authorization: value('Bearer x', 'Bearer ', 'Basic !', 'Bearer %00', `Bearer ${TOKEN}.`),
      connection: value('upgrade', 'close', 'keep-alive, upgrade', 'upgrade, upgrade'),
      upgrade: value('websocket', 'h2c', 'WebSocket, x', ''),
      expect: fc.option(fc.constantFrom('100-continue', 'nothing'), { nil: null, freq: 8 }),
      key: value('dGhlIHNhbXBsZSBub25jZQ==', 'x'),
      wsVersion: value('13', '8', '999'),
      extensions: value(
        'permessage-deflate',
        'permessage-deflate; client_max_window_bits=99',
        ';;',
      ),
      protocol: value('a', 'a,a', ',,'),
      forwarded: mostly([null], ['1.2.3.4', 'unknown', ',', '::1, ::']),
      length: mostly([null, '0'], ['5', '-1', '99999999999999999999']),
      end: mostly(['\r\n\r\n'], ['\n\n', '\r\n', '']),
    })
    .map(({ method, target, version, end, ...named }) => {
      const names: Readonly<Record<string, string>> = {
        key: 'Sec-WebSocket-Key',
        wsVersion: 'Sec-WebSocket-Version',
        extensions: 'Sec-WebSocket-Extensions',
        protocol: 'Sec-WebSocket-Protocol',
        forwarded: 'X-Forwarded-For',
        length: 'Content-Length',
      }
      const headers = Object.entries(named).flatMap(([name, one]) =>
        one === null ? [] : [`${names[name] ?? name}: ${one}`],
      )
      return Buffer.from(
        `${[`${method} ${target} ${version}`, ...headers].join('\r\n')}${end}`,
        'latin1',
      )
    })
}

function mostly<One, Other>(
  usual: readonly One[],
  unusual: readonly Other[],
): fc.Arbitrary<One | Other> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...unusual) },
  )
}

/** A WebSocket's frame: fragments, wrong opcodes, lengths that lie, text that is none, and sensible ones. */
function frame(): fc.Arbitrary<Buffer> {
  const message = fc.constantFrom(
    '{"type":"control","node":"x","action":"stop"}',
    '{"type":"hand over","path":"/","to":null}',
    '{"type":"locked.offer","sessionId":"x","actions":["stop"]}',
    '{"type":"@xstate.event","sessionId":"x","createdAt":"1","event":{"type":"e"}}',
    '[',
  )
  const payload = fc.oneof(
    message.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    // No UTF-8, and more than a page may send.
    fc.constantFrom(Buffer.from([0xff, 0xfe, 0xc0]), Buffer.alloc(20_000, '['), Buffer.alloc(0)),
  )
  return fc
    .record({
      payload,
      isFinal: fc.boolean(),
      reserved: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(7)),
      opcode: fc.oneof(fc.constantFrom(0, 1, 2, 8, 9, 10), fc.nat(15)),
      isMasked: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.boolean()),
      // What the frame claims to hold besides what it does.
      lie: fc.oneof({ weight: 5, arbitrary: fc.constant(0n) }, fc.bigInt(1n, 2n ** 63n - 100_000n)),
    })
    .map(({ payload, isFinal, reserved, opcode, isMasked, lie }) => {
      const head = Buffer.from([
        (isFinal ? 0x80 : 0) | (reserved << 4) | opcode,
        isMasked ? 0x80 : 0,
      ])
      const claimed = BigInt(payload.length) + lie
      const long = Buffer.alloc(claimed < 126n ? 0 : claimed < 65_536n ? 2 : 8)
      if (long.length === 0) head[1] = Number(claimed) | (head[1] ?? 0)
      else if (long.length === 2) long.writeUInt16BE(Number(claimed))
      else long.writeBigUInt64BE(claimed)
      if (long.length > 0) head[1] = (long.length === 2 ? 126 : 127) | (head[1] ?? 0)
      // A mask of zeros leaves the payload as it is.
      return Buffer.concat([head, long, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload])
    })
}
