import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { NodeNow } from '../../src/dashboard/protocol.js'
import { launchChromium } from '../browser/chromium.js'
import { MAIN, RunningCommand } from '../cli/command.js'
import { PATIENCE_MS } from '../patience.js'
import { openDashboard } from './served.js'
import { Views } from './views.js'

const WAIT = { timeout: PATIENCE_MS }
const VIEWS = ['now', 'statechart', 'time', 'log'] as const
const SCHEMES = ['light', 'dark'] as const
const PHONE = { width: 360, height: 740 }
const DESK = { width: 1_440, height: 900 }

vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

let demo: RunningCommand
let browser: Browser
let page: Page
let views: Views

/** A demo with something to be seen: a leader that has handed over. */
beforeAll(async () => {
  demo = new RunningCommand(process.execPath, [MAIN, 'demo', '--port', '0', '--ttl', '3'])
  browser = await launchChromium()
  const [, url = ''] = await demo.untilMatch(/dashboard is at (\S+)/)
  page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  await page.goto(url)
  views = new Views(page)
  await views.candidates('/demo', 3).waitFor(WAIT)
  const first = await views.leaderOf('/demo')
  await page.getByRole('button', { name: 'Hand over' }).click()
  await views.holderOtherThan('/demo', first)
  await views.leaderOf('/demo')
})

afterAll(async () => {
  await browser?.close()
  demo?.[Symbol.dispose]()
})

describe.each(SCHEMES)('%s', (colorScheme) => {
  test.each([PHONE, DESK])(
    'axe finds nothing to complain of in any view, $width pixels wide',
    async (size) => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(size)
      for (const view of VIEWS) {
        await views.open(view)
        await page.evaluate(axe.source)
        expect({ view, found: await page.evaluate(FIND) }).toEqual({ view, found: [] })
      }
    },
  )
})

/** What axe complains of, and where. */
const FIND = `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(': '))))`

test('nothing is cut on a phone, but the chart, which is scrolled', async () => {
  await page.setViewportSize(PHONE)
  for (const view of VIEWS) {
    await views.open(view)
    expect({ view, cut: await page.evaluate(CUT) }).toEqual({ view, cut: [] })
  }
})

/** What is wider than the room that it has: text in a line has no room of its own. */
const CUT = `[...document.querySelectorAll('body, body *')]
  .filter((one) => one instanceof HTMLElement && !one.matches('.chart, .heard'))
  .filter((one) => getComputedStyle(one).display !== 'inline')
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
  .map((one) => [one.tagName, one.className, one.textContent].join(' '))`

describe.each([PHONE, DESK])('at $width pixels', (size) => {
  test('no text of three nodes is cut, or meets another', async () => {
    await page.setViewportSize(size)
    for (const view of SIMPLE_VIEWS) {
      await views.open(view)
      expect({ view, cut: await page.evaluate(CUT) }).toEqual({ view, cut: [] })
      expect({ view, met: await page.evaluate(MET) }).toEqual({ view, met: [] })
    }
  })

  test('no text of 3,000 nodes is', async () => {
    const { board, dashboard } = await openDashboard()
    board.setSource({ ...SOURCE, sinceMs: Date.now() })
    for (let at = 0; at < 3_000; at += 1) {
      const path = `/many/${at % 300}`
      board.setPath(SOURCE.id, path, HOLDER, Date.now())
      board.setNode({ ...follower(`node-${at}`), path }, Date.now())
      const details = 'n0, value "a value that is not short", token 7'
      board.log({
        atMs: Date.now(),
        path,
        node: at % 2 ? null : `node-${at}`,
        kind: 'held',
        details,
      })
    }
    const own = await browser.newPage({ viewport: size })
    onTestFinished(() => own.close())
    own.setDefaultTimeout(PATIENCE_MS)
    await own.goto(dashboard.url)
    const ownViews = new Views(own)
    await own.locator('td.holder', { hasText: HOLDER.id }).first().waitFor(WAIT)
    for (const view of SIMPLE_VIEWS) {
      await ownViews.open(view)
      await own.getByText('/many/').first().waitFor(WAIT)
      expect({ view, cut: await own.evaluate(CUT) }).toEqual({ view, cut: [] })
      expect({ view, met: await own.evaluate(MET) }).toEqual({ view, met: [] })
    }
  })
})

const SIMPLE_VIEWS = ['now', 'time', 'log'] as const
const SOURCE = {
  id: 'process',
  kind: 'process',
  name: 'p',
  isConnected: true,
  problem: null,
} as const
const HOLDER = { id: 'n0', value: 'a value that is not short', token: 7, instance: 'i' }

/** Texts that can be seen, as far as that goes, and that meet another. */
const MET = `{
  const seen = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode
    const of = text.parentElement
    if (text.data.trim() === '' || of.closest('.heard, option, script, svg')) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    let { left, right, top, bottom } = range.getBoundingClientRect()
    for (let one = of; one !== null; one = one.parentElement) {
      if (getComputedStyle(one).overflow === 'visible' && one !== document.documentElement) continue
      const room = one === document.documentElement ? { left: 0, top: 0, right: innerWidth, bottom: innerHeight } : one.getBoundingClientRect()
      left = Math.max(left, room.left)
      right = Math.min(right, room.right)
      top = Math.max(top, room.top)
      bottom = Math.min(bottom, room.bottom)
    }
    // Lines stand close below one another.
    if (right - left > 2 && bottom - top > 6) seen.push({ text: text.data, left: left + 1, right: right - 1, top: top + 3, bottom: bottom - 3 })
  }
  seen.flatMap((one, index) => seen.slice(index + 1)
    .filter((other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom)
    .map((other) => one.text + ' meets ' + other.text))
}`

test('what was seen at the store is told as its, be it etcd or not, and all who compete as competitors', async () => {
  await page.setViewportSize(DESK)
  await views.open('log')
  const who = await page.locator('.log .who').allTextContents()
  expect(who).toContain('store')
  expect(who).not.toContain('etcd')
  await views.open('now')
  await page.getByRole('columnheader', { name: 'Competitors' }).waitFor(WAIT)
})

test('what a lane came to is seen however long its path is', async () => {
  await views.open('time')
  for (const size of [PHONE, DESK]) {
    await page.setViewportSize(size)
    const label = page.locator('[data-lane="path:/demo"] .label')
    await label.locator('.name').evaluate((name) => {
      name.textContent = `/a${'/rather'.repeat(30)}/long/path`
    })
    const [room, summary] = [await label.boundingBox(), await label.locator('small').boundingBox()]
    if (room === null || summary === null) throw new Error('there is no lane')
    expect(summary.x).toBeGreaterThanOrEqual(room.x)
    expect(summary.x + summary.width).toBeLessThanOrEqual(room.x + room.width)
    await views.open('now')
    await views.open('time')
  }
})

describe('the statechart', () => {
  test('has no text that meets another, or that an arrow crosses', async () => {
    await page.setViewportSize(DESK)
    await views.open('statechart')
    const drawn = page.locator('.chart svg')
    expect(await drawn.locator('.transition .plate').count()).toBeGreaterThan(50)
    expect(await drawn.evaluate(MEETINGS)).toEqual([])
  })

  test('is scrolled to the state that is active', async () => {
    await page.setViewportSize(PHONE)
    await views.open('statechart')
    const node = page.getByLabel('Node')
    for (const option of await node.locator('option').all()) {
      await node.selectOption((await option.textContent()) ?? '')
      const state = await page.locator('.facts dd').first().textContent()
      const [, path = ''] = /([a-z]+\.\w+), for/.exec(state ?? '') ?? []
      await page.locator(`[data-state="${path}"].active`).waitFor(WAIT)
      await expect.poll(() => page.locator('.chart').evaluate(isInSight, path)).toBe(true)
    }
  })

  test('finds a node among thousands, and offers few at a time', async () => {
    const { dashboard, board } = await openDashboard()
    const own = await browser.newPage({ viewport: PHONE })
    onTestFinished(() => own.close())
    own.setDefaultTimeout(PATIENCE_MS)
    for (let at = 0; at < 3_000; at += 1) board.setNode(follower(`n${at}`), Date.now())
    await own.goto(`${dashboard.url}#statechart`)
    await own.getByText('and 2900 more').waitFor(WAIT)
    expect(await own.getByLabel('Node').locator('option').count()).toBe(100)
    await own.getByLabel('Find').fill('n2999')
    await own.locator('.facts', { hasText: 'value of n2999' }).waitFor(WAIT)
    await own.getByLabel('Find').fill('')
    await own.getByText('and 2900 more').waitFor(WAIT)
    await own.getByLabel('Node').selectOption('/many n1')
    await own.locator('.facts', { hasText: 'value of n1' }).waitFor(WAIT)
    await own.getByLabel('Find').fill('nobody')
    await own.getByText('no such node').waitFor({ ...WAIT, state: 'attached' })
  })

  test('says what the active state means', async () => {
    await views.open('statechart')
    await page.locator('.facts .meaning', { hasText: /\w/ }).waitFor(WAIT)
  })
})

function follower(id: string): NodeNow {
  return {
    ...{ key: `process:${id}`, source: 'process', path: '/many', id, instance: id },
    ...{ value: `value of ${id}`, state: 'follower.following', sinceMs: 0, step: null },
    ...{ latest: null, token: null, validUntilMs: null, actions: [] },
  }
}

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** What is used here of an element of the page: Node.js’s types have none. */
interface Drawn {
  readonly textContent: string | null
  getAttribute(name: string): string | null
  querySelector(selector: string): Drawn | null
  querySelectorAll(selector: string): Iterable<Drawn>
  getBBox(): Box
  getBoundingClientRect(): Record<'left' | 'right' | 'top' | 'bottom', number>
}

function isInSight(chart: Drawn, path: string): boolean {
  const state = chart.querySelector(`[data-state="${path}"]`)
  if (state === null) throw new Error(`there is no state ${path}`)
  const [seen, drawn] = [chart.getBoundingClientRect(), state.getBoundingClientRect()]
  return (
    drawn.left >= seen.left - 1 &&
    drawn.right <= seen.right + 1 &&
    drawn.top >= seen.top - 1 &&
    drawn.bottom <= seen.bottom + 1
  )
}

/**
 * Texts of states and of arrows that overlap, texts that are wider than the plate they stand on, and
 * arrows that run through a text other than their own, or through a state that they neither leave
 * nor enter.
 */
function MEETINGS(svg: Drawn): string[] {
  const found: string[] = []
  const boxOf = (one: Drawn) => one.getBBox()
  interface Named {
    what: string
    box: Box
    of: Drawn
  }
  const meet = (a: Box, b: Box) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  const all = (selector: string, of: Drawn = svg) => [...of.querySelectorAll(selector)]
  const transitions = all('.transition')
  const named = (one: Drawn, of: Drawn): Named => ({
    what: one.textContent ?? '',
    box: boxOf(one),
    of,
  })
  const texts = [
    ...all('.state').flatMap((state) => all('text', state).map((text) => named(text, state))),
    ...transitions.flatMap((transition) =>
      all('.plate', transition).map((plate) => ({
        what: transition.textContent ?? '',
        box: boxOf(plate),
        of: transition,
      })),
    ),
  ]
  texts.forEach((one, index) => {
    for (const other of texts.slice(index + 1)) {
      // Lines of one state stand close below one another.
      if (one.of !== other.of && meet(one.box, other.box)) {
        found.push(`“${one.what}” meets “${other.what}”`)
      }
    }
  })
  for (const transition of transitions) {
    const plate = boxOf(all('.plate', transition)[0] as Drawn)
    for (const text of all('text', transition)) {
      if (boxOf(text).width > plate.width)
        found.push(`“${text.textContent}” is wider than its plate`)
    }
  }
  for (const state of all('.state')) {
    const room = boxOf(all('rect', state)[0] as Drawn)
    for (const text of all('text', state)) {
      const { x, width } = boxOf(text)
      if (x + width > room.x + room.width)
        found.push(`“${text.textContent}” is wider than its state`)
    }
  }
  const leaves = all('.state.leaf').map((state) => ({
    what: `the state ${state.getAttribute('data-state')}`,
    box: boxOf(all('rect', state)[0] as Drawn),
  }))
  for (const transition of transitions) {
    const line = all('polyline', transition)[0]
    const points = (line?.getAttribute('points') ?? '')
      .split(' ')
      .map((point) => point.split(',').map(Number) as [number, number])
    points.slice(1).forEach(([toX, toY], index) => {
      const [fromX, fromY] = points[index] as [number, number]
      const run = {
        x: Math.min(fromX, toX),
        y: Math.min(fromY, toY),
        width: Math.abs(toX - fromX),
        height: Math.abs(toY - fromY),
      }
      const others = texts.filter(({ of }) => of !== transition)
      for (const { what, box } of [...others, ...leaves]) {
        // An arrow ends at the border of its state.
        const within = {
          x: box.x + 2,
          y: box.y + 2,
          width: box.width - 4,
          height: box.height - 4,
        }
        if (meet(run, within)) found.push(`an arrow “${transition.textContent}” crosses ${what}`)
      }
    })
  }
  return found
}

describe('the keyboard', () => {
  test('reaches everything in the order in which it stands, and the focus is seen', async () => {
    await page.setViewportSize(DESK)
    for (const view of VIEWS) {
      await views.open(view)
      const wanted = Number(await page.evaluate(REACHABLE))
      await page.evaluate(FROM_THE_TOP)
      const reached: unknown[] = []
      for (let one = 0; one < wanted; one += 1) {
        await page.keyboard.press('Tab')
        reached.push(await page.evaluate(FOCUS))
      }
      const order = Array.from({ length: wanted }, (_, place) => ({ place, isSeen: true }))
      expect({ view, reached }).toEqual({ view, reached: order })
    }
  })

  test('chooses the first and the last view', async () => {
    await page.locator('#tab-time').focus()
    for (const [key, view] of [
      ['End', 'log'],
      ['Home', 'now'],
    ] as const) {
      await page.keyboard.press(key)
      await page.locator(`#view[data-view="${view}"]`).waitFor(WAIT)
      expect(await page.evaluate('document.activeElement.id')).toBe(`tab-${view}`)
    }
  })

  test('pauses, moves and zooms the lanes, and types in their filter', async () => {
    await views.open('time')
    const lanes = page.getByRole('region', { name: 'Lanes' })
    await lanes.focus()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Go on' }).waitFor(WAIT)
    const shown = page.locator('.tools .count')
    for (const key of ['ArrowLeft', '-', '+']) {
      const before = await shown.textContent()
      await page.keyboard.press(key)
      await expect.poll(() => shown.textContent()).not.toBe(before)
    }
    const before = await shown.textContent()
    await page.getByLabel('Lane', { exact: true }).pressSequentially('+- ')
    expect(await page.getByLabel('Lane', { exact: true }).inputValue()).toBe('+- ')
    await page.keyboard.press('Escape')
    expect(await page.getByLabel('Lane', { exact: true }).inputValue()).toBe('')
    expect(await shown.textContent()).toBe(before)
    await lanes.focus()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Pause' }).waitFor(WAIT)
  })
})

const TABBABLE = `[...document.querySelectorAll('button, input, select, [tabindex]')]
  .filter((one) => one.tabIndex >= 0 && !one.disabled)`
/** The next Tab goes to the first of all. */
const FROM_THE_TOP = `{
  document.body.tabIndex = -1
  document.body.focus()
  document.body.removeAttribute('tabindex')
}`
const REACHABLE = `${TABBABLE}.length`
/** Which of all that can be reached has the focus, and whether one sees it. */
const FOCUS = `{
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
  const place = ${TABBABLE}.indexOf(document.activeElement)
  ;({ place, isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 })
}`

test('whoever hears the page is told who holds the path now', async () => {
  await views.open('now')
  const before = await views.leaderOf('/demo')
  await page.getByRole('button', { name: 'Hand over' }).click()
  const holder = await views.holderOtherThan('/demo', before)
  await page.getByRole('status').getByText(`/demo is held by ${holder}`).waitFor(WAIT)
})
