import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './built.js'

interface Locked {
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))

const packagesOf = (lockfile: string): readonly (readonly [string, Locked])[] =>
  Object.entries<Locked>(read(lockfile).packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  )

/** The repository's own, and those of what the tests build and run the package with. */
const LOCKFILES = ['', 'test', 'bench', 'examples', 'scripts']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== '', encoding: 'utf8' }).map((file) =>
      join(folder, file),
    ),
  )
  .filter((file) => /(^|\/)package-lock\.json$/.test(file) && !file.includes('node_modules/'))

test('the tests find every lockfile', () => {
  expect(LOCKFILES).toContain('package-lock.json')
  expect(LOCKFILES).toContain('test/hosts/runtimes/package-lock.json')
})

describe.each(LOCKFILES)('%s', (lockfile) => {
  const packages = packagesOf(lockfile)

  test('has the integrity of every package, those of other platforms too', () => {
    expect(packages.length).toBeGreaterThan(lockfile === 'package-lock.json' ? 300 : 10)
    const without = packages.filter(([, one]) => !/^sha512-\S{86}==$/.test(one.integrity ?? ''))
    expect(without.map(([path]) => path)).toEqual([])
  })

  test('says nothing of where packages come from', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})

test('each install script of a package is allowed or refused by name', () => {
  const named = Object.keys(read('package.json').allowScripts)
  const found = packagesOf('package-lock.json')
    .filter(([, one]) => one.hasInstallScript === true)
    .map(([path]) => path)
  const names = found.map((path) => path.slice(path.lastIndexOf('node_modules/') + 13))
  expect(named.toSorted()).toEqual([...new Set(names)].sort())
})
