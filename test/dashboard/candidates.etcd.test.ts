import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type LockedNode, locked } from '../../src/index.js'
import { launchChromium } from '../browser/chromium.js'
import { RunningCommand } from '../cli/command.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { PATIENCE_MS, patiently } from '../patience.js'
import { Views } from './views.js'

const WAIT = { timeout: PATIENCE_MS }

let etcd: Etcd
let browser: Browser

beforeAll(async () => {
  etcd = await startEtcd()
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  await etcd?.stop()
})

/** The page of a dashboard that runs with these arguments. */
async function openPage(prefix: string, ...args: readonly string[]): Promise<Page> {
  const endpoints = ['--endpoints', etcd.endpoint, '--prefix', prefix]
  const command = RunningCommand.locked('dashboard', ...endpoints, '--port', '0', ...args)
  onTestFinished(() => command[Symbol.dispose]())
  const [, url = ''] = await command.untilMatch(/dashboard is at (\S+)/)
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  page.setDefaultTimeout(PATIENCE_MS)
  await page.goto(url)
  return page
}

/** A node on a connection of its own, which is not inspected, that has started. */
async function started(path: string, id: string): Promise<LockedNode> {
  const locker = locked(etcd.endpoint)
  onTestFinished(() => locker.close())
  const node = locker({ path, id, value: id, ttl: 60 })
  await node.start()
  return node
}

test('candidates are listed from etcd alone, and a button has their leader hand over', async () => {
  const prefix = `/${randomUUID()}/`
  const path = `${prefix}primary`
  const a = await started(path, 'a')
  const page = await openPage(prefix, '--allow-control')
  const views = new Views(page)
  await views.competitors(path, ['holder a'])
  expect(await page.getByRole('button', { name: 'Hand over' }).count()).toBe(0)
  const b = await started(path, 'b')
  const c = await started(path, 'c')
  await views.competitors(path, ['holder a', 'candidate b', 'candidate c'])

  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => client.close())
  const deletions: string[] = []
  const watcher = await client.watch().key(path).create()
  watcher.on('delete', ({ key }) => deletions.push(key.toString()))
  const row = page.locator(`[data-path="${path}"]`)

  await row.getByRole('button', { name: 'Hand over' }).click()
  await views.competitors(path, ['holder c', 'candidate b', 'candidate a'])
  await patiently(() =>
    expect([a, b, c].map(({ isLeader }) => isLeader)).toEqual([false, false, true]),
  )
  await row.getByLabel('to').selectOption('b')
  await row.getByRole('button', { name: 'Hand over' }).click()
  await views.competitors(path, ['holder b', 'candidate a', 'candidate c'])
  await patiently(() => expect(b.isLeader).toBe(true))

  await views.open('time')
  const lane = page.locator(`[data-lane="path:${path}"]`)
  await lane.getByText('2 changes, vacant 0 ms').waitFor(WAIT)
  expect(await lane.locator('.span.held').count()).toBe(3)
  expect(await lane.locator('.seam').count()).toBe(2)
  expect(await lane.locator('.span.vacant').count()).toBe(0)
  expect(deletions).toEqual([])

  await views.open('now')
  await b.stop()
  await views.competitors(path, ['holder c', 'candidate a'])
  await a.stop()
  await c.stop()
  await row.getByText('vacant').waitFor(WAIT)
  await row.getByText('none', { exact: true }).waitFor(WAIT)
})

test('why nothing came of it is said', async () => {
  const prefix = `/${randomUUID()}/`
  const path = `${prefix}primary`
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => client.close())
  // A holder that is no node, which nothing can be asked of.
  await client.put(path).value('{"id":"<b>raw</b>","value":1,"instance":"none"}')
  await started(path, 'b')
  const page = await openPage(prefix, '--allow-control')
  await new Views(page).competitors(path, ['holder <b>raw</b>', 'candidate b'])
  await page.getByRole('button', { name: 'Hand over' }).click()
  await page.getByRole('status').getByText('The leader is asked.').waitFor(WAIT)
  expect(await page.getByRole('button', { name: 'Hand over' }).isDisabled()).toBe(true)
  await page.getByRole('status').getByText('has not handed over within').waitFor(WAIT)
  await page.getByRole('button', { name: 'Hand over' }).click()
})

test('without --allow-control the page only looks', async () => {
  const prefix = `/${randomUUID()}/`
  const path = `${prefix}primary`
  await started(path, 'a')
  await started(path, 'b')
  const page = await openPage(prefix)
  await new Views(page).competitors(path, ['holder a', 'candidate b'])
  expect(await page.getByRole('button', { name: 'Hand over' }).count()).toBe(0)
})

test('entries that are no records, and thousands of them, leave the page as it is', async () => {
  const prefix = `/${randomUUID()}/`
  const path = `${prefix}primary`
  await started(path, 'a')
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => client.close())
  const lease = client.lease(60)
  onTestFinished(() => lease.revoke())
  await lease.put(`${path}/.candidates/junk`).value('<img src=x onerror="hacked = 1">')
  for (let from = 0; from < 2_000; from += 100) {
    const entry = (at: number) =>
      lease.put(`${path}/.candidates/${at}`).value(`{"id":"${at}","value":1,"instance":"${at}"}`)
    await Promise.all(Array.from({ length: 100 }, (_, at) => entry(from + at)))
  }
  const page = await openPage(prefix, '--allow-control')
  await page.locator(`[data-path="${path}"]`, { hasText: 'and 1996 more' }).waitFor(WAIT)
  await page.locator(`[data-path="${path}"]`, { hasText: 'candidate not a record' }).waitFor(WAIT)
  expect(await page.locator('option').count()).toBe(20)
  expect(await page.evaluate('window.hacked')).toBe(undefined)
})
