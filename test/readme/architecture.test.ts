import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../package/built.js'

const page = await readFile(join(root, 'docs/architecture.md'), 'utf8')

test('every file and folder that the page names is there', () => {
  const names = [...page.matchAll(/`((?:src|machines|verification|test)\/[^`\s]*)`/g)]
  expect(names.length).toBeGreaterThan(40)
  expect(
    names.map(([, name = '']) => name).filter((name) => !existsSync(join(root, name))),
  ).toEqual([])
})

const [, walks = ''] = page.split(/^## Five walks.*$/m)
const [, ...each] = (walks.split(/^## /m)[0] ?? '').split(/^### /m)

test.each(each.map((walk) => [walk.split('\n')[0] ?? '', walk]))(
  'a walk names no file more than twice: %s',
  (_title, walk) => {
    const named = [...walk.matchAll(/`([^`\s]*\.ts)`/g)].map(([, name]) => name)
    expect(named.length).toBeGreaterThan(2)
    expect(named.filter((name) => named.filter((other) => other === name).length > 2)).toEqual([])
  },
)

test('there are five of them', () => expect(each.length).toBe(5))
