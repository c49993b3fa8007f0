import type { Browser, Locator, Page } from 'playwright-core'

const WAIT = { timeout: 120_000 }
/** How often the page is to be heard of, in milliseconds. */
const HEARD_EVERY_MS = 10

/** Notes for how long at most nothing else could run in the page. */
const LISTEN = `
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
  row(path: string): string
  readonly anyRow: string
  /** What is scrolled. */
  readonly frame: string
}

const PLACES = {
  now: {
    filter: 'Path',
    row: (path) => `tr[data-path="${path}"] td.holder`,
    anyRow: 'tr[data-path]',
    frame: 'html',
  },
  time: {
    filter: 'Lane',
    row: (path) => `.row[data-lane="path:${path}"] rect.held`,
    anyRow: '.row[data-lane]',
    frame: '.lanes',
  },
  log: {
    filter: 'Path',
    row: (path) => `.log li:has(.path:text-is("${path}"))`,
    anyRow: '.log li',
    frame: '.log',
  },
} as const satisfies Record<string, Place>

export type View = keyof typeof PLACES

/** In milliseconds. */
export interface Visit {
  /** Until the view had its first rows. */
  readonly firstRowsMs: number
  /** From the last letter of a path until the view showed it, and no other. */
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
    const { filter, row, anyRow, frame }: Place = PLACES[view]
    await this.silentMs()
    const firstRowsMs = await this.#until(this.#page.locator(anyRow).first(), () =>
      this.#page.locator(`#tab-${view}`).click(),
    )
    const input = this.#page.getByLabel(filter, { exact: true })
    await input.pressSequentially(path.slice(0, -1))
    const foundMs = await this.#until(this.#page.locator(row(path)).first(), () =>
      input.press(path.slice(-1)),
    )
    await input.fill('')
    await this.#page.locator(anyRow).nth(1).waitFor(WAIT)
    const scrolledMs = await this.#until(this.#page.locator(anyRow).last(), () =>
      this.#page.locator(frame).evaluate('(frame) => frame.scrollTo(0, frame.scrollHeight)'),
    )
    return { firstRowsMs, foundMs, scrolledMs, silentMs: await this.silentMs() }
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
