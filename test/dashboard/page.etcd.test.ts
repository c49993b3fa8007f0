import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Etcd3 } from 'etcd3'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AnyStateNode } from 'xstate'
import { electionMachine } from '../../machines/election.js'
import { launchChromium } from '../browser/chromium.js'
import { MAIN, RunningCommand } from '../cli/command.js'
import { expectOutagesSaidOnce } from '../cli/outages.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { PATIENCE_MS } from '../patience.js'
import { Views } from './views.js'

const competitor = fileURLToPath(new URL('../api/competitor.mjs', import.meta.url))
const WAIT = { timeout: PATIENCE_MS }
/** A value that would be a program, if it were taken for anything but text. */
const EVIL = '</style></title><script>window.hacked = 1</script><img src=x onerror="hacked = 1">'

let etcd: Etcd
let browser: Browser
const closing: (() => unknown)[] = []

beforeAll(async () => {
  etcd = await startEtcd()
  browser = await launchChromium()
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

afterAll(async () => {
  await browser?.close()
  await etcd?.stop()
})

interface RunningDashboard {
  readonly url: string
  readonly command: RunningCommand
}

async function runDashboard(...args: readonly string[]): Promise<RunningDashboard> {
  const command = RunningCommand.locked('dashboard', '--endpoints', etcd.endpoint, ...args)
  closing.push(() => command[Symbol.dispose]())
  const [, url = ''] = await command.untilMatch(/dashboard is at (\S+)/)
  return { url, command }
}

/** A node in a process of its own, which sends its inspection events to the dashboard at `url`. */
function join(url: string, path: string, id: string, value: unknown = id): ChildProcess {
  const options = { path, id, value, ttl: 5 }
  const child = spawn(
    process.execPath,
    [competitor, JSON.stringify(etcd.endpoint), JSON.stringify(options)],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, LOCKED_INSPECT: `${url.replace('http', 'ws')}inspect` },
    },
  )
  child.stdin?.write('{"id":1,"call":"start"}\n')
  closing.push(() => child.kill('SIGKILL'))
  return child
}

/** What the page asks others for, and what it complains of: nothing, if all is well. */
interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

async function openPage(
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Opened> {
  const context = await browser.newContext(options)
  closing.push(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host) complaints.push(request.url())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const isAway = /WebSocket|ERR_CONNECTION_REFUSED/.test(message.text())
    if (message.type() === 'error' && !isAway) complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

describe('three processes, and a leader that is killed', () => {
  test('are shown by every view', async () => {
    const prefix = `/${randomUUID()}/`
    const path = `${prefix}primary`
    const { url } = await runDashboard('--prefix', prefix, '--port', '0')
    const { page, complaints } = await openPage(url)
    const views = new Views(page)

    const first = join(url, path, 'first', { port: 5432 })
    await views.holder(path, 'first').waitFor(WAIT)
    join(url, path, 'second')
    join(url, path, 'third')
    await views.candidates(path, 3).waitFor(WAIT)
    await page.getByText('{"port":5432}').waitFor(WAIT)

    await views.open('statechart')
    await page.getByLabel('Node').selectOption(`${path} first`)
    await page.locator('[data-state="leader.holding"].active').waitFor(WAIT)
    expect(await page.locator('.state').count()).toBe(statesIn(electionMachine.root))
    await page.locator('.facts meter').waitFor(WAIT)

    first.kill('SIGKILL')
    await views.open('now')
    await views.candidates(path, 2).waitFor(WAIT)
    const successor = await views.holderOtherThan(path, 'first')

    await views.open('statechart')
    await page.getByLabel('Node').selectOption(`${path} ${successor}`)
    await page.locator('[data-state="leader"].active').waitFor(WAIT)
    await page.locator('.transition.taken', { hasText: 'won' }).waitFor(WAIT)

    await views.open('time')
    await page.locator(`[data-lane="path:${path}"] .span.held`).nth(1).waitFor(WAIT)
    await page.locator(`[data-lane="path:${path}"] .span.vacant`).first().waitFor(WAIT)
    await page.getByText('1 change,').waitFor(WAIT)
    expect(await views.emptyBefore(path)).toBeLessThan(0.1)
    const bars = page.locator('.row:not(.of-path) .span.leader')
    expect(await bars.count()).toBe(2)

    await views.open('log')
    await page.getByLabel('Kind').selectOption('select')
    await page.locator('.log li', { hasText: successor }).waitFor(WAIT)
    await page.getByLabel('Node').fill('no such node')
    await page.getByText(/^0 such events$/).waitFor(WAIT)
    expect(complaints).toEqual([])
  })
})

describe('what stands in etcd', () => {
  test('is text, whatever it says', async () => {
    const prefix = `/${randomUUID()}/`
    const path = `${prefix}<b>path</b>`
    const { url } = await runDashboard('--prefix', prefix, '--port', '0')
    const { page, complaints } = await openPage(url)
    join(url, path, '<i>id</i>', EVIL)
    const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
    closing.push(() => client.close())
    await client.put(`${prefix}junk`).value(EVIL)
    const views = new Views(page)
    await views.holder(path, '<i>id</i>').waitFor(WAIT)
    await page.locator(`[data-path="${prefix}junk"]`, { hasText: 'not a record' }).waitFor(WAIT)
    expect(await page.locator('.value', { hasText: '</style></title><script>' }).count()).toBe(2)
    for (const view of ['statechart', 'time', 'log'] as const) {
      await views.open(view)
      await page
        .getByText('<i>id</i>')
        .first()
        .waitFor({ ...WAIT, state: 'attached' })
    }
    expect(await page.evaluate('window.hacked')).toBe(undefined)
    expect(await page.locator('main script, main img, main i, main b').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('is not shown as true while etcd is away', async () => {
    const own = await startEtcd()
    closing.push(() => own.stop())
    const prefix = `/${randomUUID()}/`
    const client = new Etcd3({ hosts: `http://${own.endpoint}` })
    closing.push(() => client.close())
    await client.put(`${prefix}path`).value('raw')
    const { url, command } = await runDashboard(
      '--endpoints',
      own.endpoint,
      '--prefix',
      prefix,
      '--port',
      '0',
    )
    const { page } = await openPage(url)
    const row = page.locator(`[data-path="${prefix}path"]`)
    await row.getByText('raw').waitFor(WAIT)
    await own.kill()
    await row.getByText('not known now').waitFor(WAIT)
    await page.locator('.sources .disconnected', { hasText: own.endpoint }).waitFor(WAIT)
    expect(await row.getByText('raw').count()).toBe(0)
    await own.start()
    await row.getByText('raw').waitFor(WAIT)
    await page.locator('.sources .connected', { hasText: own.endpoint }).waitFor(WAIT)
    expectOutagesSaidOnce(command.output)
  })
})

test('a page survives the end of its server, and says so meanwhile', async () => {
  const prefix = `/${randomUUID()}/`
  const path = `${prefix}path`
  const { url, command } = await runDashboard('--prefix', prefix, '--port', '0')
  const { page } = await openPage(url)
  join(url, path, 'one')
  const views = new Views(page)
  // A path that nobody holds yet is known from its candidates only, which nobody tells of meanwhile.
  await views.holder(path, 'one').waitFor(WAIT)
  await views.candidates(path, 1).waitFor(WAIT)
  command.kill('SIGINT')
  expect(await command.exited).toBe(0)
  await page.getByRole('alert').waitFor(WAIT)
  await page.locator(`[data-path="${path}"]`, { hasText: 'not known now' }).waitFor(WAIT)
  await runDashboard('--prefix', prefix, '--port', new URL(url).port)
  await views.holder(path, 'one').waitFor(WAIT)
  await views.candidates(path, 1).waitFor(WAIT)
  expect(await page.getByRole('alert').count()).toBe(0)
})

describe('a page', () => {
  test('is used with the keyboard', async () => {
    const { url } = await runDashboard('--port', '0', '--prefix', `/${randomUUID()}/`)
    const { page } = await openPage(url)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement?.id')).toBe('tab-now')
    for (const view of ['statechart', 'time', 'log', 'now']) {
      await page.keyboard.press('ArrowRight')
      await page.locator(`#view[data-view="${view}"]`).waitFor(WAIT)
      expect(await page.evaluate('document.activeElement?.id')).toBe(`tab-${view}`)
    }
  })

  test('fits on a phone', async () => {
    const prefix = `/${randomUUID()}/`
    const { url } = await runDashboard('--port', '0', '--prefix', prefix)
    const { page } = await openPage(url, { viewport: { width: 375, height: 700 } })
    join(url, `${prefix}a/rather/long/path/to/lead`, 'a-node-with-a-rather-long-name-4711', {
      a: EVIL,
    })
    const views = new Views(page)
    await page.locator('tr[data-path]').waitFor(WAIT)
    for (const view of ['now', 'statechart', 'time', 'log'] as const) {
      await views.open(view)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect({ view, width }).toEqual({ view, width: 375 })
    }
  })

  test('exports its lanes as a picture', async () => {
    const prefix = `/${randomUUID()}/`
    const { url } = await runDashboard('--port', '0', '--prefix', prefix)
    const { page } = await openPage(url)
    join(url, `${prefix}path`, '<one> & only')
    const views = new Views(page)
    await views.holder(`${prefix}path`, '<one> & only').waitFor(WAIT)
    await views.open('time')
    await page.locator('.span.leader').first().waitFor(WAIT)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export SVG' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^locked-.*\.svg$/)
    const chunks = await (await download.createReadStream()).toArray()
    const svg = Buffer.concat(chunks).toString()
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    expect(svg).toContain('&lt;one&gt; &amp; only')
    expect(svg).toContain('fill="#1a7f37"')
  })

  test('shows 200 paths and 1,000 nodes, and draws only what can be seen', async () => {
    const { url } = await runDashboard('--port', '0', '--prefix', `/${randomUUID()}/`)
    const { page, complaints } = await openPage(url)
    const many = spawn(process.execPath, ['--input-type=module', '-e', MANY_NODES], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, LOCKED_INSPECT: `${url.replace('http', 'ws')}inspect` },
    })
    closing.push(() => many.kill('SIGKILL'))
    const views = new Views(page)
    await page.getByText('200 paths, 1000 inspected nodes').waitFor(WAIT)
    await page.locator('tr[data-path] .badge.leader').first().waitFor(WAIT)
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)')
    await page.locator('tr[data-path] .badge.leader').last().waitFor(WAIT)
    expect(await page.locator('tr[data-path]').count()).toBeLessThan(200)
    await views.open('time')
    await page.locator('.row .span.leader').first().waitFor(WAIT)
    expect(await page.locator('.row').count()).toBeLessThan(60)
    const longestMs = Number(await page.evaluate(LONGEST_FRAME))
    console.log(`1,000 nodes: the longest frame of two seconds took ${Math.round(longestMs)} ms`)
    await page.locator('.lanes').evaluate((lanes) => lanes.scrollTo(0, lanes.scrollHeight))
    await page.locator('.row', { hasText: '4-199' }).waitFor(WAIT)
    await views.open('log')
    expect(await page.locator('.log li').count()).toBeLessThan(100)
    expect(complaints).toEqual([])
  })
})

/** The longest that the page took between two frames, within two seconds, in milliseconds. */
const LONGEST_FRAME = `(async () => {
  let longest = 0
  let before = performance.now()
  const until = before + 2_000
  while (before < until) {
    await new Promise((resolve) => requestAnimationFrame(resolve))
    longest = Math.max(longest, performance.now() - before)
    before = performance.now()
  }
  return longest
})()`

/** Five candidates for each of 200 paths, on a store in their process, whose leaders stop and start. */
const MANY_NODES = `
import locked from 'locked'
const lockers = Array.from({ length: 5 }, () => locked('memory:many'))
const nodes = lockers.flatMap((locker, of) =>
  Array.from({ length: 200 }, (_, path) =>
    locker('/many/' + String(path).padStart(3, '0'), { id: of + '-' + path, value: path, ttl: 5 })))
await Promise.all(nodes.map((node) => node.start()))
for (let turn = 0; ; turn += 1) {
  const node = nodes[(turn * 37) % nodes.length]
  await node.stop()
  await node.start()
  await new Promise((resolve) => setTimeout(resolve, 20))
}
`

describe('the demo’s page', () => {
  test('starts, stops, freezes, kills its nodes and sets their clocks forward', async () => {
    const demo = new RunningCommand(process.execPath, [MAIN, 'demo', '--port', '0', '--ttl', '2'])
    closing.push(() => demo[Symbol.dispose]())
    const [, url = ''] = await demo.untilMatch(/dashboard is at (\S+)/)
    const { page, complaints } = await openPage(url)
    const views = new Views(page)
    await views.candidates('/demo', 3).waitFor(WAIT)
    const press = (id: string, name: string) =>
      page.locator('fieldset', { hasText: id }).getByRole('button', { name, exact: true }).click()
    const leader = () => views.leaderOf('/demo')

    const stopped = await leader()
    await press(stopped, 'Stop')
    await page.locator('fieldset', { hasText: stopped }).locator('.badge.stopped').waitFor(WAIT)
    const killed = await views.holderOtherThan('/demo', stopped)
    await press(stopped, 'Start')
    await views.candidates('/demo', 3).waitFor(WAIT)

    await press(killed, 'Kill')
    await page.locator('fieldset', { hasText: killed }).locator('.badge.killed').waitFor(WAIT)
    const frozen = await views.holderOtherThan('/demo', killed)
    await press(killed, 'Start')
    await views.candidates('/demo', 3).waitFor(WAIT)

    await press(frozen, 'Freeze or thaw')
    const jumped = await views.holderOtherThan('/demo', frozen)
    await press(frozen, 'Freeze or thaw')
    await press(jumped, 'Clock jump')
    await demo.untilMatch(new RegExp(`${jumped} deselect reason=expired`))
    await views.candidates('/demo', 3).waitFor(WAIT)
    await views.open('time')
    const lane = page.locator(`[data-lane="demo:${killed}"]`)
    expect(await lane.locator('.span.killed').count()).toBe(1)
    expect(await lane.locator('.span.unknown').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

test.each([
  ['with --allow-control', ['--allow-control'], 9],
  ['by itself', [], 0],
])('a dashboard acts on the nodes of a demo elsewhere: %s', async (_how, args, buttons) => {
  const path = `/${randomUUID()}`
  const { url } = await runDashboard('--prefix', path, '--port', '0', ...args)
  const { page } = await openPage(url)
  const views = new Views(page)
  const demo = RunningCommand.lockedIn(
    { LOCKED_INSPECT: `${url.replace('http', 'ws')}inspect` },
    ...['demo', '--endpoints', etcd.endpoint, '--path', path, '--ttl', '2', '--no-dashboard'],
  )
  closing.push(() => demo[Symbol.dispose]())
  await views.candidates(path, 3).waitFor(WAIT)
  expect(await page.locator('fieldset button').count()).toBe(buttons)
  if (buttons === 0) return
  const leader = await views.leaderOf(path)
  await page.locator('fieldset', { hasText: leader }).getByRole('button', { name: 'Stop' }).click()
  await demo.untilMatch(new RegExp(`${leader} deselect reason=stopped`))
  await views.holderOtherThan(path, leader)
})

describe('screenshots', () => {
  test.each(['light', 'dark'] as const)('of each view, %s', async (colorScheme) => {
    const demo = new RunningCommand(process.execPath, [MAIN, 'demo', '--port', '0', '--ttl', '3'])
    closing.push(() => demo[Symbol.dispose]())
    const [, url = ''] = await demo.untilMatch(/dashboard is at (\S+)/)
    const { page } = await openPage(url, { colorScheme })
    const views = new Views(page)
    await views.candidates('/demo', 3).waitFor(WAIT)
    const press = (id: string, name: string) =>
      page.locator('fieldset', { hasText: id }).getByRole('button', { name, exact: true }).click()
    // Something to be seen: a leader that hands over, and one that is killed.
    const first = await views.leaderOf('/demo')
    await page.getByRole('button', { name: 'Hand over' }).click()
    const second = await views.holderOtherThan('/demo', first)
    await views.leaderOf('/demo')
    await press(second, 'Kill')
    const third = await views.holderOtherThan('/demo', second)
    await press(second, 'Start')
    await views.candidates('/demo', 3).waitFor(WAIT)
    for (const view of ['now', 'statechart', 'time', 'log'] as const) {
      await page.setViewportSize({ width: 1_200, height: HEIGHTS[view] })
      await views.open(view)
      if (view === 'statechart') {
        await page.getByLabel('Node').selectOption(`/demo ${third}`)
        await page.locator('[data-state="leader"]').scrollIntoViewIfNeeded()
      }
      // In the legend, and in the lane of the one that was.
      if (view === 'time') await page.locator('.span.killed').nth(1).waitFor(WAIT)
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)')
      const picture = await views.picture(view, colorScheme)
      expect(picture.subarray(1, 4).toString()).toBe('PNG')
    }
  })
})

/** So that each view is seen, and not the empty space below it, nor half a row. */
const HEIGHTS = { now: 420, statechart: 2_480, time: 250, log: 406 }

/** How many states are within it, at whatever depth. */
function statesIn(state: AnyStateNode): number {
  const children = Object.values(state.states)
  return children.reduce((sum, child) => sum + statesIn(child), children.length)
}
