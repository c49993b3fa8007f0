import { describe, expect, test } from 'vitest'
import { Guesses } from '../../src/dashboard/guesses.js'
import { RunningCommand } from '../cli/command.js'
import { type Answer, get, open, openDashboard } from './served.js'

const TOKEN = 'the token of this test'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const inAddress = (path: string, token: string) => `${path}?token=${encodeURIComponent(token)}`
// A page of another site can make its own name point to this machine.
const elsewhere = { host: 'elsewhere.example' }

/** How a request with these headers is answered, at every kind of address. */
async function answersAt(port: number, headers: Record<string, string>) {
  const answers = ['/', '/page.js', '/nothing'].map(async (path) => {
    const { status } = await get(port, path, headers)
    return status
  })
  const upgrades = ['/live', '/inspect'].map((path) => open(port, path, headers).answer)
  return await Promise.all([...answers, ...upgrades])
}

const REFUSED = [403, 403, 403, 403, 403]
const LET_IN = [200, 200, 404, 101, 101]

function cookieIn({ headers }: Answer): string {
  const [cookie = ''] = headers['set-cookie'] ?? []
  return cookie
}

describe('without a token that was set, on loopback', () => {
  test.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST', '127.1.2.3', 'a.localhost'])(
    'whoever calls it %s is let in',
    async (name) => {
      const { port, dashboard } = await openDashboard()
      expect(await answersAt(port, { host: `${name}:${port}` })).toEqual(LET_IN)
      expect(dashboard.url).toBe(`http://127.0.0.1:${port}/`)
    },
  )

  test.each([
    'elsewhere.example',
    'a@127.0.0.1',
    '127.0.0.1.elsewhere.example',
    '10.0.0.1',
    // Browsers take it for this machine.
    '0.0.0.0',
    '[::]',
    '127.1',
    '2130706433',
    '[::1].elsewhere.example',
    '[::1%25lo]',
    'localhost.',
    'localhost.elsewhere.example',
    'notlocalhost',
    '127.0.0.1, elsewhere.example',
    '127.0.0.1:80@elsewhere.example',
    'elsewhere.example:127.0.0.1',
  ])('nobody who calls it %s is', async (host) => {
    const { port } = await openDashboard()
    expect(await answersAt(port, { host })).toEqual(REFUSED)
  })

  // A proxy that gives the upstream's address for the Host stands for anybody.
  test.each([
    { forwarded: 'for=10.0.0.1' },
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-proto': 'https' },
    { 'x-forwarded-anything': '' },
    { 'x-real-ip': '10.0.0.1' },
    { via: '1.1 proxy' },
    { 'x-forwarded': '10.0.0.1' },
    { 'x-client-ip': '10.0.0.1' },
    { 'x-cluster-client-ip': '10.0.0.1' },
    { 'true-client-ip': '10.0.0.1' },
    { 'cf-connecting-ip': '10.0.0.1' },
    { 'x-envoy-external-address': '10.0.0.1' },
    { 'x-original-forwarded-for': '10.0.0.1' },
  ])('nobody who comes by a proxy is: %j', async (headers) => {
    const { port } = await openDashboard()
    expect(await answersAt(port, headers)).toEqual(REFUSED)
  })
})

test.each([
  ['a token was set', { token: TOKEN }],
  ['it listens beyond loopback', { host: '0.0.0.0' }],
])('where %s, it is always asked for', async (_why, settings) => {
  const { port, dashboard } = await openDashboard(settings)
  for (const host of ['127.0.0.1', 'localhost', 'elsewhere.example']) {
    expect(await answersAt(port, { host })).toEqual(REFUSED)
  }
  const token = new URL(dashboard.url).searchParams.get('token') ?? ''
  expect(token.length).toBeGreaterThanOrEqual(16)
  expect(await answersAt(port, bearer(token))).toEqual(LET_IN)
})

describe('the token', () => {
  test('is exchanged for a cookie, and the address no longer shows it', async () => {
    const { port } = await openDashboard({ token: TOKEN })
    const entry = await get(port, `${inAddress('/', TOKEN)}&a=b`, elsewhere)
    expect(entry.status).toBe(303)
    expect(entry.headers.location).toBe('./?a=b')
    const cookie = cookieIn(entry)
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/)
    expect(cookie).not.toContain(TOKEN)
    expect(cookie).not.toContain(encodeURIComponent(TOKEN))
    const session = cookie.split(';')[0] ?? ''
    expect(await answersAt(port, { ...elsewhere, cookie: session })).toEqual(LET_IN)
    expect(await answersAt(port, { ...elsewhere, cookie: `${session}0` })).toEqual(REFUSED)
  })

  test('is exchanged for one that only goes over TLS, if the browser’s proxy has that', async () => {
    const { port } = await openDashboard({ token: TOKEN })
    const proxied = { ...elsewhere, 'x-forwarded-proto': 'https' }
    expect(cookieIn(await get(port, inAddress('/', TOKEN), proxied))).toMatch(/; Secure$/)
  })

  test('leads nowhere but to the dashboard’s own files', async () => {
    const { port } = await openDashboard({ token: TOKEN })
    const entry = await get(port, inAddress('/.//elsewhere.example', TOKEN))
    expect([entry.status, entry.headers.location]).toEqual([404, undefined])
  })

  test('of the greatest length lets in whoever has it', async () => {
    const token = '%'.repeat(1_000)
    const { port } = await openDashboard({ token })
    expect((await get(port, inAddress('/', token), elsewhere)).status).toBe(303)
    expect(await answersAt(port, { ...elsewhere, ...bearer(token) })).toEqual(LET_IN)
  })

  test('is taken from a process’s address as well', async () => {
    const { port } = await openDashboard({ token: TOKEN })
    expect(await open(port, inAddress('/inspect', TOKEN)).answer).toBe(101)
    expect(await open(port, inAddress('/inspect', `${TOKEN}.`)).answer).toBe(403)
  })

  test('is not looked at for a while after a wrong one', async () => {
    let nowMs = 0
    const guesses = new Guesses(() => nowMs)
    const { port } = await openDashboard({ token: TOKEN, guesses })
    const entry = await get(port, inAddress('/', TOKEN))
    const session = { cookie: cookieIn(entry).split(';')[0] ?? '' }
    for (let wrong = 1; wrong <= 3; wrong += 1) {
      expect((await get(port, '/', bearer(`guess ${wrong}`))).status).toBe(403)
      const early = await get(port, inAddress('/', TOKEN))
      expect(early.status).toBe(429)
      nowMs += Number(early.headers['retry-after']) * 1_000
    }
    expect(nowMs).toBe(4_000)
    expect((await get(port, '/', bearer('guess 4'))).status).toBe(403)
    expect(await open(port, '/inspect', bearer(TOKEN)).answer).toBe(429)
    // Whoever is in already is not kept out by that, nor is who comes from elsewhere.
    expect((await get(port, '/', session)).status).toBe(200)
    const other = { 'x-forwarded-for': '10.0.0.1, 10.0.0.2', ...bearer(TOKEN) }
    expect((await get(port, '/', other)).status).toBe(200)
    nowMs += 4_000
    expect(await open(port, '/inspect', bearer(TOKEN)).answer).toBe(101)
  })

  test.each([
    ['16 characters or more, was given 0', ''],
    ['16 characters or more, was given 15', 'fifteen letters'],
    ['1000 characters at most, was given 20000', 'x'.repeat(20_000)],
  ])('is refused if it could be guessed, or not be sent: expected %s', async (wrong, token) => {
    const env = { LOCKED_DASHBOARD_TOKEN: token }
    using command = RunningCommand.lockedIn(env, 'dashboard', '--endpoints', '127.0.0.1:1')
    expect(await command.exited).toBe(2)
    expect(command.output).toBe(`error: LOCKED_DASHBOARD_TOKEN: expected ${wrong}\n`)
  })
})

test.each(['/live', '/inspect'])('no page of another site may use %s', async (path) => {
  const { port } = await openDashboard()
  for (const origin of ['https://elsewhere.example', `http://127.0.0.1:${port + 1}`, 'null']) {
    expect(await open(port, path, { origin }).answer).toBe(403)
  }
  expect(await open(port, path, { origin: `http://127.0.0.1:${port}` }).answer).toBe(101)
})
