import { performance } from 'node:perf_hooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { PathSource } from '../../src/dashboard/path-source.js'
import { encodeRecord } from '../../src/record.js'
import { launchChromium } from '../browser/chromium.js'
import { PATIENCE_MS } from '../patience.js'
import { openDashboard } from './served.js'

const PATHS = 100_000
/** So many rows are drawn at most where so many are in sight: those near them as well. */
const MOST_ROWS = 500
const WAIT = { timeout: PATIENCE_MS }

vi.setConfig({ testTimeout: 2 * PATIENCE_MS })

test(`${PATHS} paths: the page draws those in sight, finds any, and is told of each`, async () => {
  const { dashboard, board } = await openDashboard()
  const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name: 'etcd' })
  source.connected()
  const nameOf = (index: number) => `/path/${String(index).padStart(6, '0')}`
  const hold = (index: number, id: string, revision: number) => {
    const text = encodeRecord({ id, value: index, instance: id })
    source.seen(nameOf(index), {
      entry: { text, token: revision, revision, lease: '1' },
      revision,
    })
  }
  for (let index = 0; index < PATHS; index += 1) hold(index, 'first', index + 1)

  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1_200, height: 800 } })
  const openedAt = performance.now()
  await page.goto(dashboard.url)
  await page.locator(`tr[data-path="${nameOf(0)}"] td.holder`).waitFor(WAIT)
  const firstMs = performance.now() - openedAt
  await page.getByText(`${PATHS} paths`).waitFor(WAIT)
  const allMs = performance.now() - openedAt
  console.info(`first row after ${Math.round(firstMs)} ms, all paths after ${Math.round(allMs)} ms`)

  const drawn = () => page.locator('tr[data-path]').count()
  expect(await drawn()).toBeLessThan(MOST_ROWS)
  await page.evaluate('window.scrollTo(0, document.body.scrollHeight)')
  await page.locator(`tr[data-path="${nameOf(PATHS - 1)}"]`).waitFor(WAIT)
  expect(await drawn()).toBeLessThan(MOST_ROWS)

  // What changes while the others are told comes once, in its place.
  hold(77_777, 'second', PATHS + 1)
  await page.getByLabel('Path').fill('077777')
  await page
    .locator(`tr[data-path="${nameOf(77_777)}"] td.holder`, { hasText: 'second' })
    .waitFor(WAIT)
  expect(await drawn()).toBe(1)
})
