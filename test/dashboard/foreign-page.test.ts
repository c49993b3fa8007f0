import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../browser/chromium.js'
import { RunningCommand } from '../cli/command.js'
import { exchange } from './raw.js'

/** A name of somebody else's, that leads to this machine. */
const NAME = 'elsewhere.example'

const script = readFileSync(new URL('intruder.mjs', import.meta.url), 'utf8')

let browser: Browser

beforeAll(async () => {
  browser = await launchChromium(
    `--host-resolver-rules=MAP ${NAME} 127.0.0.1`,
    // No browser is relied upon to keep pages from this machine.
    '--disable-features=LocalNetworkAccessChecks',
  )
})

afterAll(() => browser?.close())

test.each([
  ['the dashboard', ['dashboard', '--endpoints', '127.0.0.1:1']],
  ['the demo', ['demo']],
])(
  'a page of another site neither ends %s, nor learns anything from it',
  async (_which, command) => {
    using running = RunningCommand.locked(...command, '--port', '0')
    const [, port = ''] = await running.untilMatch(/dashboard is at http:\/\/[^:]+:(\d+)/)
    const own = `http://${NAME}:${port}`
    const page = await browser.newPage()
    try {
      // The name has led to a server of that site first. To the browser it stays one site.
      const body = `<!doctype html><script>${script}</script>`
      await page.route(`${own}/`, (route) => route.fulfill({ body, contentType: 'text/html' }), {
        times: 1,
      })
      await page.goto(own)
      for (const origin of [own, `http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
        expect(await page.evaluate(`learn(${JSON.stringify(origin)})`), origin).toEqual([])
      }
      expect(await page.evaluate(`fetch('/').then(({ status }) => status)`)).toBe(403)
      await page.evaluate(`begin('ws://127.0.0.1:${port}/live', 50)`)
    } finally {
      await page.close()
    }
    const head = ['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: close']
    const answer = await exchange(Number(port), `${head.join('\r\n')}\r\n\r\n`)
    expect(answer, running.stderr).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  },
)
