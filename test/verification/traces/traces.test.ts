import { readdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { scenarios } from '../../../verification/traces/scenarios.js'
import { Stage } from '../../../verification/traces/stage.js'

const FOLDER = new URL('../../../verification/traces/', import.meta.url)
const REWRITES = process.env.LOCKED_TRACES === 'rewrite'

beforeEach(() => {
  // Backoffs have jitter.
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('what happens is what is written down (if that is right: npm run traces)', () => {
  test.each(scenarios)('$name', async ({ name, play }) => {
    const stage = new Stage()
    await play(stage)
    stage.end()
    const file = new URL(`${name}.txt`, FOLDER)
    if (REWRITES) await writeFile(file, stage.text)
    expect(stage.text).toBe(await readFile(file, 'utf8'))
  })

  test('every text has its scenario', async () => {
    const texts = (await readdir(FOLDER)).filter((file) => file.endsWith('.txt'))
    expect(texts.sort()).toEqual(scenarios.map(({ name }) => `${name}.txt`).sort())
  })
})
