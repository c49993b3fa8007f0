import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { transformSync } from 'esbuild'

/** What esbuild has in the place of `{ ...one, ...other }` for an older JavaScript, as one call of V8’s. */
const HELPERS = ['__spreadValues', '__spreadProps'] as const

/**
 * A copy of `build`, in it, which finds an XState of its own: the installed one, but that each object which
 * is spread and added to is made by `Object.assign`. Returns the folder.
 */
export function withoutSpread(build: string): string {
  const folder = join(build, 'without-spread')
  rmSync(folder, { recursive: true, force: true })
  for (const name of readdirSync(build))
    cpSync(join(build, name), join(folder, name), { recursive: true })
  const installed = dirname(createRequire(import.meta.url).resolve('xstate/package.json'))
  const copy = join(folder, 'node_modules', 'xstate')
  cpSync(installed, copy, { recursive: true, dereference: true })
  const dist = join(copy, 'dist')
  for (const name of readdirSync(dist).filter((one) => one.endsWith('.js'))) {
    const file = join(dist, name)
    writeFileSync(file, compiled(readFileSync(file, 'utf8')))
  }
  return folder
}

function compiled(source: string): string {
  const { code } = transformSync(source, { target: 'es2017' })
  // Those of esbuild’s are declared at the top: what is assigned last is what is called.
  const own = HELPERS.filter((name) => code.includes(`var ${name} =`)).map(
    (name) => `${name} = Object.assign;`,
  )
  const at = code.search(/\n(?!var __| {2}|\}|\/\/)/)
  return own.length === 0 ? code : `${code.slice(0, at)}\n${own.join('\n')}${code.slice(at)}`
}
