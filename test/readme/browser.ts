import { buildSync } from 'esbuild'
import { launchChromium } from '../browser/chromium.js'
import { root } from '../package/built.js'
import type { Block } from './blocks.js'

/** Whether it is for a browser. */
export function isForBrowser({ text }: Block): boolean {
  return text.includes('createBrowserInspector')
}

/**
 * Runs a block in a browser that reaches nothing outside, and resolves with the address of the window
 * that it opens. Rejects if anything in it fails.
 */
export async function runInBrowser({ text }: Block): Promise<string> {
  const { outputFiles } = buildSync({
    stdin: { contents: text, resolveDir: root },
    bundle: true,
    write: false,
    format: 'iife',
  })
  const browser = await launchChromium()
  try {
    const context = await browser.newContext()
    await context.route('**', (route) => route.abort())
    const page = await context.newPage()
    const failed = new Promise<never>((_, reject) => page.on('pageerror', reject))
    failed.catch(() => undefined)
    const popup = page.waitForEvent('popup').then(async (opened) => {
      // Known only once it was tried.
      const request = await opened.waitForEvent('requestfailed')
      return request.url()
    })
    popup.catch(() => undefined)
    await page.evaluate(outputFiles[0]?.text ?? '')
    return await Promise.race([popup, failed])
  } finally {
    await browser.close()
  }
}
