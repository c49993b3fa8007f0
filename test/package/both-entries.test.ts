import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const textOf = (file: string) => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')

test('whoever requires the package finds the types that whoever imports it does, of errors too', () => {
  const imported = [...textOf('index.ts').matchAll(/export (?:type )?\{([^}]*)\} from/g)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const required = [...textOf('index.cts').matchAll(/export type (\w+)/g)].map(([, name]) => name)
  expect(imported).toContain('LockedNode')
  expect(imported).toContain('UnreachableError')
  expect(required.sort()).toEqual(imported.sort())
})
