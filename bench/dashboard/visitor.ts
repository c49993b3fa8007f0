import type { Browser, Page } from 'playwright-core'

const WAIT = { timeout: 120_000 }
/** How often the page is to be heard of, in milliseconds. */
const HEARD_EVERY_MS = 10

/**
 * Notes for how long at most nothing else could run in the page, and measures how long something takes until it
 * is drawn. All of it by the page's own clock: this process writes to etcd meanwhile.
 */
const LISTEN = `
  globalThis.drawn = async (isShown) => {
    while (!isShown()) await new Promise(requestAnimationFrame)
    return performance.now()
  }
  globalThis.until = async (act, isShown) => {
    const startedAt = performance.now()
    act()
    return (await globalThis.drawn(isShown)) - startedAt
  }
  globalThis.find = (label, path, isShown) => {
    const labels = [...document.querySelectorAll('label')]
    const field = labels.find((one) => one.textContent.trim() === label).querySelector('input')
    const write = () => {
      field.value = path
      field.dispatchEvent(new InputEvent('input', { bubbles: true }))
    }
    return globalThis.until(write, isShown)
  }
  globalThis.longestSilence = 0
  let heardAt = performance.now()
  setInterval(() => {
    const now = performance.now()
    globalThis.longestSilence = Math.max(globalThis.longestSilence, now - heardAt - ${HEARD_EVERY_MS})
    heardAt = now
  }, ${HEARD_EVERY_MS})`

/** Where a view shows its paths. */
interface Place {
  readonly filter: string
  readonly anyRow: string
  /** Code that tells whether the view shows that path, and no other. */
  isShown(path: string): string
  /** What is scrolled. */
  readonly frame: string
}

const PLACES = {
  now: {
    filter: 'Path',
    anyRow: 'tr[data-path]',
    isShown: (path) => isOnly('tr[data-path]', 'dataset.path', path, 'td.holder'),
    frame: 'html',
  },
  time: {
    filter: 'Lane',
    anyRow: '.row[data-lane]',
    isShown: (path) => isOnly('.row[data-lane]', 'dataset.lane', `path:${path}`, 'rect.held'),
    frame: '.lanes',
  },
  log: {
    filter: 'Path',
    anyRow: '.log li',
    isShown: (path) => isOnly('.log li .path', 'textContent', path),
    frame: '.log',
  },
} as const satisfies Record<string, Place>

/** Whether there are rows, and all of them are of that path, and drawn. */
function isOnly(rows: string, name: string, value: string, drawn = ''): string {
  const isDrawn = drawn === '' ? 'true' : `one.querySelector(${JSON.stringify(drawn)}) !== null`
  const all = `[...document.querySelectorAll(${JSON.stringify(rows)})]`
  const isOf = `(one) => one.${name} === ${JSON.stringify(value)} && ${isDrawn}`
  return `() => { const all = ${all}; return all.length > 0 && all.every(${isOf}) }`
}

/** Whether there are rows. */
function areShown({ anyRow }: Place): string {
  return `() => document.querySelector(${JSON.stringify(anyRow)}) !== null`
}

/** Whether a row is drawn in the middle of what can be seen of the frame. */
function areInSight({ anyRow, frame }: Place): string {
  return `() => {
    const { top, bottom } = document.querySelector(${JSON.stringify(frame)}).getBoundingClientRect()
    const middle = (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2
    const rows = [...document.querySelectorAll(${JSON.stringify(anyRow)})]
    const boxes = rows.map((row) => row.getBoundingClientRect())
    return boxes.some((row) => row.top <= middle && row.bottom >= middle)
  }`
}

export type View = keyof typeof PLACES

/** In milliseconds. */
export interface Visit {
  /** Until the view had its first rows. */
  readonly firstRowsMs: number
  /** From writing a path into the filter until the view showed it, and no other. */
  readonly foundMs: number
  /** From scrolling to the end until the last rows were drawn. */
  readonly scrolledMs: number
  /** For how long at most the page did nothing else. */
  readonly silentMs: number
}

/** Somebody who looks at the dashboard with a browser. */
export class Visitor {
  readonly #page: Page

  private constructor(page: Page) {
    this.#page = page
  }

  /** A page that was never opened before. Returns how many milliseconds after it was opened its first rows were drawn. */
  static async open(browser: Browser, url: string) {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } })
    const page = await context.newPage()
    await page.addInitScript(LISTEN)
    // Its clock begins as it is opened. The script is there as soon as it has an address.
    await page.goto(url, { waitUntil: 'commit', ...WAIT })
    const firstRowsMs = Number(await page.evaluate(`globalThis.drawn(${areShown(PLACES.now)})`))
    return { visitor: new Visitor(page), firstRowsMs }
  }

  /** Resolves once the page knows of so many paths. */
  async knows(paths: number): Promise<void> {
    await this.#page.getByText(`${paths} paths`).waitFor(WAIT)
  }

  async silentMs(): Promise<number> {
    const longest = await this.#page.evaluate('globalThis.longestSilence')
    await this.#page.evaluate('globalThis.longestSilence = 0')
    return Number(longest)
  }

  /** Opens a view and uses it as people do. */
  async visit(view: View, path: string): Promise<Visit> {
    const place: Place = PLACES[view]
    const { filter, isShown, anyRow, frame } = place
    await this.silentMs()
    const choose = `() => document.querySelector('#tab-${view}').click()`
    const firstRowsMs = await this.#until(choose, areShown(place))
    // In the log there are the latest only: one of those is looked for.
    const sought = view === 'log' ? await this.#firstInLog() : path
    const found = `globalThis.find(${JSON.stringify(filter)}, ${JSON.stringify(sought)}, ${isShown(sought)})`
    const foundMs = Number(await this.#page.evaluate(found))
    await this.#page.getByLabel(filter, { exact: true }).fill('')
    await this.#page.locator(anyRow).nth(1).waitFor(WAIT)
    const end = `document.querySelector('${frame}')`
    const scrolledMs = await this.#until(
      `() => ${end}.scrollTo(0, ${end}.scrollHeight)`,
      areInSight(place),
    )
    return { firstRowsMs, foundMs, scrolledMs, silentMs: await this.silentMs() }
  }

  async #firstInLog(): Promise<string> {
    return (await this.#page.locator('.log li .path').first().textContent(WAIT)) ?? ''
  }

  async close(): Promise<void> {
    await this.#page.context().close()
  }

  /** In the page: from what the first code does until the second one says that it is drawn. */
  async #until(act: string, isDrawn: string): Promise<number> {
    return Number(await this.#page.evaluate(`globalThis.until(${act}, ${isDrawn})`))
  }
}
