import type { Browser, Locator, Page } from 'playwright-core'

const WAIT = { timeout: 120_000 }
/** How often the page is to be heard of, in milliseconds. */
const HEARD_EVERY_MS = 10

/**
 * Notes for how long at most nothing else could run in the page; and writes a path into a filter, and tells how
 * long it took until \`isShown\`. All of it by the page's own clock: this process writes to etcd meanwhile.
 */
const LISTEN = `
  globalThis.find = async (label, path, isShown) => {
    const labels = [...document.querySelectorAll('label')]
    const field = labels.find((one) => one.textContent.trim() === label).querySelector('input')
    const startedAt = performance.now()
    field.value = path
    field.dispatchEvent(new InputEvent('input', { bubbles: true }))
    while (!isShown()) await new Promise(requestAnimationFrame)
    return performance.now() - startedAt
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

  /** A page that was never opened before. Returns in how many milliseconds it had its first rows. */
  static async open(browser: Browser, url: string) {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } })
    const page = await context.newPage()
    await page.addInitScript(LISTEN)
    const openedAt = performance.now()
    await page.goto(url)
    await page.locator(PLACES.now.anyRow).first().waitFor(WAIT)
    return { visitor: new Visitor(page), firstRowsMs: performance.now() - openedAt }
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
    const { filter, isShown, anyRow, frame }: Place = PLACES[view]
    await this.silentMs()
    const firstRowsMs = await this.#until(this.#page.locator(anyRow).first(), () =>
      this.#page.locator(`#tab-${view}`).click(),
    )
    // In the log there are the latest only: one of those is looked for.
    const sought = view === 'log' ? await this.#firstInLog() : path
    const found = `globalThis.find(${JSON.stringify(filter)}, ${JSON.stringify(sought)}, ${isShown(sought)})`
    const foundMs = Number(await this.#page.evaluate(found))
    await this.#page.getByLabel(filter, { exact: true }).fill('')
    await this.#page.locator(anyRow).nth(1).waitFor(WAIT)
    const scrolledMs = await this.#until(this.#page.locator(anyRow).last(), () =>
      this.#page.locator(frame).evaluate('(frame) => frame.scrollTo(0, frame.scrollHeight)'),
    )
    return { firstRowsMs, foundMs, scrolledMs, silentMs: await this.silentMs() }
  }

  async #firstInLog(): Promise<string> {
    return (await this.#page.locator('.log li .path').first().textContent(WAIT)) ?? ''
  }

  async close(): Promise<void> {
    await this.#page.context().close()
  }

  async #until(seen: Locator, act: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now()
    await act()
    await seen.waitFor(WAIT)
    return performance.now() - startedAt
  }
}
