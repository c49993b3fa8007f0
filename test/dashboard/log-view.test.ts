import { onTestFinished, test, vi } from 'vitest'
import { launchChromium } from '../browser/chromium.js'
import { PATIENCE_MS } from '../patience.js'
import { openDashboard } from './served.js'

const WAIT = { timeout: PATIENCE_MS }
/** More than the page, or the server, keeps of all. */
const OTHERS = 60_000
/** Higher than any log. */
const HIGHEST_PX = 1_000_000

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })

test('a path that is looked for in the log is shown with each of its events, while thousands of others come', async () => {
  const { dashboard, board } = await openDashboard()
  const log = (path: string, details: string) =>
    board.log({ atMs: Date.now(), kind: 'held', path, node: null, details })
  let others = 0
  let isFlooding = true
  const flooding = setInterval(() => {
    if (!isFlooding) return
    for (let one = 0; one < 500; one += 1) log(`/other/${others++}`, 'x'.repeat(100))
  }, 50)
  onTestFinished(() => clearInterval(flooding))
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1_200, height: 800 } })
  await page.goto(`${dashboard.url}#log`)
  await page.getByText(/^\d{4,} events/).waitFor(WAIT)
  // However long a busy machine takes to ask for it, it is among those that are kept.
  isFlooding = false
  log('/sought', 'the first')

  await page.getByLabel('Path').fill('/sought')
  await page.getByText('1 such event').waitFor(WAIT)
  isFlooding = true
  const from = others
  let sought = 1
  for (; sought < 10 || others < from + OTHERS; sought += 1) {
    log('/sought', `event ${sought + 1}`)
    await page.getByText(`event ${sought + 1}`, { exact: true }).waitFor(WAIT)
    await page.getByText(`${sought + 1} such events`).waitFor(WAIT)
  }
  await page.evaluate(`document.querySelector('.log').scrollTo(0, ${HIGHEST_PX})`)
  await page.getByText('the first', { exact: true }).waitFor(WAIT)

  await page.getByLabel('Path').fill('')
  await page.getByText(/^\d{4,} events/).waitFor(WAIT)
})
