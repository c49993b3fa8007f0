// `npm run bench:dashboard [-- --paths N] [--events N]`: what a dashboard of many paths costs, and whether its
// page can be used. Fills an etcd of its own, starts `locked dashboard`, and looks at it with Chromium, first
// while nothing happens and then while all paths change again and again.
import { parseArgs } from 'node:util'
import { launchChromium } from '../../test/browser/chromium.js'
import { startEtcd } from '../../test/etcd/index.js'
import { DashboardProcess } from './dashboard-process.js'
import { Elections } from './elections.js'
import { type View, type Visit, Visitor } from './visitor.js'

const VIEWS: readonly View[] = ['now', 'time', 'log']
const PREFIX = '/dashboard/'
/** So many pages are opened, one after the other, for the time until one has its first rows. */
const OPENINGS = 5

const { values } = parseArgs({
  options: {
    paths: { type: 'string', default: '100000' },
    events: { type: 'string', default: '1000000' },
  },
})
const paths = numberOf('--paths', values.paths)
const events = numberOf('--events', values.events)

const names = Array.from({ length: paths }, (_, index) => `${PREFIX}${`${index}`.padStart(7, '0')}`)
await using etcd = await startEtcd()
say(`writes ${paths} paths, each with a candidate`)
const elections = await Elections.write(etcd.endpoint, names)

const startedAt = performance.now()
await using dashboard = await DashboardProcess.start(etcd.endpoint, PREFIX)
const browser = await launchChromium()
try {
  const { visitor: first } = await Visitor.open(browser, dashboard.url)
  await first.knows(paths)
  say(`knows them all ${shown(performance.now() - startedAt)} after its start, ${await memory()}`)
  await first.close()

  say(`first rows of a page ${await openings()} after it was opened`)
  const { visitor } = await Visitor.open(browser, dashboard.url)
  const openedAt = performance.now()
  await visitor.knows(paths)
  const silentMs = await visitor.silentMs()
  say(
    `all of its paths ${shown(performance.now() - openedAt)} later, silent for ${shown(silentMs)}, ${await memory()}`,
  )
  await look(visitor, 'nothing happens')

  const changing = change()
  await look(visitor, 'all changes')
  say(`while all changes, first rows of a page ${await openings()} after it was opened`)
  await changing
  say(`all events have been written, ${await memory()}`)
  await look(visitor, 'it is over')
  say(`at last, ${await memory()}`)
} finally {
  await browser.close()
  elections.close()
}

/** How long it takes until a page has its first rows, as it is said. */
async function openings(): Promise<string> {
  const all: number[] = []
  for (let opened = 0; opened < OPENINGS; opened += 1) {
    const { visitor: one, firstRowsMs } = await Visitor.open(browser, dashboard.url)
    all.push(firstRowsMs)
    await one.close()
  }
  return `${shown(Math.min(...all))} to ${shown(Math.max(...all))}`
}

async function change(): Promise<void> {
  const beganAt = performance.now()
  const rounds = Math.ceil(events / paths)
  for (let round = 0; round < rounds; round += 1) await elections.change()
  const seconds = (performance.now() - beganAt) / 1_000
  say(`${rounds * paths} events in ${seconds.toFixed(1)} s`)
}

async function look(visitor: Visitor, meanwhile: string): Promise<void> {
  for (const [index, view] of VIEWS.entries()) {
    say(`${view}, while ${meanwhile}: ${saidOf(await visitor.visit(view, names[index] ?? ''))}`)
  }
}

function saidOf({ firstRowsMs, foundMs, scrolledMs, silentMs }: Visit): string {
  return `first rows ${shown(firstRowsMs)}, a path found ${shown(foundMs)}, scrolled ${shown(scrolledMs)}, silent for ${shown(silentMs)}`
}

async function memory(): Promise<string> {
  return `at most ${((await dashboard.peakBytes()) / 1e6).toFixed(0)} MB so far`
}

function shown(ms: number): string {
  return `${Math.round(ms)} ms`
}

function say(what: string): void {
  console.log(what)
}

function numberOf(option: string, given: string): number {
  const number = Number(given)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`bench: ${option} must be a whole number above 0, was given ${given}`)
  process.exit(2)
}
