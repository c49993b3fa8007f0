import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { launchChromium } from '../browser/chromium.js'
import { RunningCommand } from '../cli/command.js'
import { freePort } from '../etcd/ports.js'
import { PATIENCE_MS, patiently } from '../patience.js'
import { Authority } from '../secure/authority.js'
import { documentedConfiguration, makeFolder, replaced, runNginx } from './nginx.js'
import { get, open } from './served.js'

const TOKEN = 'the token of this test'
const QUERY = `?token=${encodeURIComponent(TOKEN)}`

/** Without an etcd: that makes no difference here. */
async function runDashboard(env: NodeJS.ProcessEnv): Promise<number> {
  const args = ['dashboard', '--endpoints', '127.0.0.1:1', '--port', '0']
  const command = RunningCommand.lockedIn(env, ...args)
  onTestFinished(() => command[Symbol.dispose]())
  const [, port] = await command.untilMatch(/dashboard is at http:\/\/127\.0\.0\.1:(\d+)/)
  return Number(port)
}

/** A dashboard behind nginx with the guide's configuration. */
async function runBehindProxy() {
  const dashboardPort = await runDashboard({ LOCKED_DASHBOARD_TOKEN: TOKEN })
  const folder = makeFolder()
  const port = await freePort()
  const authority = await Authority.found('an authority of this test')
  const { cert, key } = await authority.issue({ commonName: 'dashboard.example' })
  const log = join(folder, 'access.log')
  writeFileSync(join(folder, 'crt'), cert)
  writeFileSync(join(folder, 'key'), key)
  const http = replaced(documentedConfiguration(), {
    'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
    '/etc/ssl/dashboard.example.crt': join(folder, 'crt'),
    '/etc/ssl/dashboard.example.key': join(folder, 'key'),
    '/var/log/nginx/dashboard.log': log,
    'http://127.0.0.1:4100;': `http://127.0.0.1:${dashboardPort};`,
  })
  const nginx = await runNginx(folder, http)
  const ca = authority.cert
  await patiently(async () => expect(await statusAt(port, '/', ca), nginx.output).toBe(403))
  return { port, ca, log }
}

function statusAt(port: number, path: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, ca, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

/** What a WebSocket's request is answered with. */
function connect(address: string, ca: string) {
  const socket = new WebSocket(address, { ca })
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  const status = new Promise<number>((resolve) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  })
  return { socket, status }
}

test('nginx with the documented configuration lets in whoever has the token, and nobody else', async () => {
  const { port, ca, log } = await runBehindProxy()
  for (const path of ['/live', '/inspect', '/live?token=guessed']) {
    expect(await connect(`wss://127.0.0.1:${port}${path}`, ca).status).toBe(403)
  }
  // Another's wrong token makes whoever is at the same address wait.
  const process = await patiently(async () => {
    const { status, socket } = connect(`wss://127.0.0.1:${port}/inspect${QUERY}`, ca)
    expect(await status).toBe(101)
    return socket
  })
  process.send(NODE)

  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  await page.goto(`https://127.0.0.1:${port}/${QUERY}`)
  expect(page.url()).toBe(`https://127.0.0.1:${port}/`)
  // It has come over its WebSocket.
  await page.getByText('1 inspected node').waitFor()
  await page.reload()
  await page.getByText('1 inspected node').waitFor()
  const history = await page.evaluate('navigation.entries().map(({ url }) => url)')
  expect(history).toEqual([`https://127.0.0.1:${port}/`])
  const cookies = await context.cookies()
  expect(cookies).toMatchObject([{ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' }])
  expect(JSON.stringify(cookies)).not.toContain(encodeURIComponent(TOKEN))

  // What was written once the connections have ended.
  await context.close()
  await patiently(() => expect(readFileSync(log, 'utf8')).toContain('GET /inspect'))
  expect(readFileSync(log, 'utf8')).not.toContain('token')
})

// What nginx does by itself: the Host is the upstream's address, and nothing tells that it is a proxy.
const UPGRADES =
  'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;'

test.each([
  ['that was set', { LOCKED_DASHBOARD_TOKEN: TOKEN }, UPGRADES],
  ['that was set', { LOCKED_DASHBOARD_TOKEN: TOKEN }, ''],
  ['that nobody set', {}, ''],
])('nginx as it is by itself lets nobody in without the token %s', async (_which, env, more) => {
  const upstream = await runDashboard(env)
  const port = await freePort()
  const location = `location / { proxy_pass http://127.0.0.1:${upstream}; ${more} }`
  const nginx = await runNginx(makeFolder(), `server { listen 127.0.0.1:${port}; ${location} }`)
  await patiently(async () => expect((await get(port, '/')).status, nginx.output).toBe(403))
  for (const path of ['/live', '/inspect']) expect(await open(port, path).answer).toBe(403)
})

const NODE = JSON.stringify({
  type: '@xstate.actor',
  sessionId: 'x',
  createdAt: String(Date.now()),
  snapshot: { context: { path: '/path', id: 'a', instance: 'i', value: 1 }, value: 'leader' },
})
