import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { PATIENCE_MS, patiently } from '../patience.js'

export type View = 'now' | 'statechart' | 'time' | 'log'

/** Where the README’s pictures are; they are written when LOCKED_SCREENSHOTS is set. */
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))

/** The dashboard’s page, as its user sees it. */
export class Views {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  async open(view: View): Promise<void> {
    await this.#page.locator(`#tab-${view}`).click()
    await this.#page.locator(`#view[data-view="${view}"] .tools`).waitFor({ timeout: PATIENCE_MS })
  }

  holder(path: string, id: string): Locator {
    return this.#row(path).locator('td.holder', { hasText: id })
  }

  /** The path’s row, once it has so many candidates. */
  candidates(path: string, count: number): Locator {
    const row = this.#row(path)
    return count === 0 ? row.getByText(/^none/) : row.locator('.competitor').nth(count - 1)
  }

  /** Resolves once the path’s row has these competitors, each by its state and its id, in this order. */
  async competitors(path: string, wanted: readonly string[]): Promise<void> {
    await patiently(async () => {
      expect(await this.#row(path).locator('.competitor').allTextContents()).toEqual(wanted)
    })
  }

  /** Resolves with the holder’s id, once there is one, and it is another. */
  async holderOtherThan(path: string, before: string): Promise<string> {
    return await patiently(async () => {
      const id = await this.#row(path).locator('td.holder').textContent({ timeout: 1_000 })
      expect(id).not.toBe(before)
      if (id === null) throw new Error('no holder')
      return id
    })
  }

  /** Resolves with the id of the node that leads, once the holder that is shown is that node. */
  async leaderOf(path: string): Promise<string> {
    return await patiently(async () => {
      const row = this.#row(path)
      const id = await row.locator('td.holder').textContent({ timeout: 1_000 })
      const leader = row.locator('.competitor', {
        has: this.#page.locator('.badge.leader'),
      })
      expect(await leader.textContent({ timeout: 1_000 })).toBe(`leader ${id}`)
      if (id === null) throw new Error('no holder')
      return id
    })
  }

  /** How much of the path's lane in the Time view stands before what is known of it, from 0 to 1. */
  async emptyBefore(path: string): Promise<number> {
    const lane = this.#page.locator(`[data-lane="path:${path}"]`)
    const [first, whole] = await Promise.all([
      lane.locator('.span').first().boundingBox(),
      lane.locator('svg').boundingBox(),
    ])
    if (first === null || whole === null) throw new Error(`no lane of ${path}`)
    return (first.x - whole.x) / whole.width
  }

  /** A picture of the view as it is now; kept in docs/ when that is asked for. */
  async picture(view: View, scheme: string): Promise<Buffer> {
    if (!process.env.LOCKED_SCREENSHOTS) return await this.#page.screenshot()
    mkdirSync(DOCS, { recursive: true })
    return await this.#page.screenshot({ path: `${DOCS}dashboard-${view}-${scheme}.png` })
  }

  #row(path: string): Locator {
    return this.#page.locator(`[data-path="${path}"]`)
  }
}
