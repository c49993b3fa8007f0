import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface Locked {
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

const read = (name: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8'))

const packages: readonly (readonly [string, Locked])[] = Object.entries<Locked>(
  read('package-lock.json').packages,
).filter(([path, { link }]) => path.includes('node_modules/') && link !== true)

test('every package of the lockfile has its integrity, those of other platforms too', () => {
  expect(packages.length).toBeGreaterThan(300)
  const without = packages.filter(([, { integrity }]) => !/^sha512-\S{86}==$/.test(integrity ?? ''))
  expect(without.map(([path]) => path)).toEqual([])
})

test('the lockfile says nothing of where packages come from', () => {
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

test('each install script of a package is allowed or refused by name', () => {
  const named = Object.keys(read('package.json').allowScripts)
  const found = packages.filter(([, one]) => one.hasInstallScript === true).map(([path]) => path)
  const names = found.map((path) => path.slice(path.lastIndexOf('node_modules/') + 13))
  expect(named.toSorted()).toEqual([...new Set(names)].sort())
})
