// Makes a fresh dist/ of machines/ and src/. In dist/commonjs stands what Node.js runs of the library,
// for require() and for import alike, so that it has one identity in a process; and its types. What
// import takes there are thin modules around it. In dist/src and dist/machines stands the same source
// as ES modules, for bundlers, which ask for them by the condition `module` whichever way an app asks;
// and the CLI with the dashboard's page: its script in one file, its styles, and the statechart laid out.
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { layoutOf } from './statechart-layout.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')

rmSync(join(root, 'dist'), { recursive: true, force: true })
compile('tsconfig.json')
compile('tsconfig.commonjs.json')
const commonjs = join(root, 'dist', 'commonjs')
writeFileSync(join(commonjs, 'package.json'), '{ "type": "commonjs", "sideEffects": false }\n')
for (const entry of ['src/index', 'src/testing/index', 'machines/election']) await wrap(entry)
// Whatever a bundler has of the ES modules, an app's require('locked') is a function.
copyFileSync(join(commonjs, 'src', 'index.cjs'), join(root, 'dist', 'src', 'index.cjs'))

const page = join(root, 'src', 'dashboard', 'page')
const pageOut = join(root, 'dist', 'src', 'dashboard', 'page')
mkdirSync(pageOut, { recursive: true })
for (const file of ['index.html', 'page.css', 'icon.svg'])
  cpSync(join(page, file), join(pageOut, file))
buildSync({
  entryPoints: [join(page, 'main.tsx')],
  outfile: join(pageOut, 'page.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
})
const { electionMachine } = await import('../dist/machines/election.js')
const layout = await layoutOf(electionMachine)
writeFileSync(join(pageOut, 'statechart.json'), JSON.stringify(layout))

// npm does so once, when it links the command: `npx locked` in a clone goes on to work after each build.
await chmod(join(root, 'dist', 'src', 'cli', 'main.js'), 0o755)

function compile(project) {
  const tsc = join(dirname(typescript), 'bin', 'tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', project], {
    cwd: root,
    stdio: 'inherit',
  })
  if (compiled.status !== 0) process.exit(compiled.status ?? 1)
}

/** Writes what import takes of a CommonJS module, beside it. */
async function wrap(entry) {
  const file = join(commonjs, `${entry}.js`)
  const { default: defaultOf, __esModule: _, ...named } = createRequire(import.meta.url)(file)
  const from = `'./${basename(file)}'`
  const isDefault = ([, value]) => value === defaultOf
  const defaultAs = Object.entries(named).find(isDefault)?.[0]
  const names = Object.keys(named).sort().join(', ')
  const alias = defaultAs === undefined ? '' : `export { ${defaultAs} as default } from ${from}\n`
  writeFileSync(join(commonjs, `${entry}.mjs`), `export { ${names} } from ${from}\n${alias}`)
  writeFileSync(join(commonjs, `${entry}.d.mts`), `export * from ${from}\n${alias}`)
  await import(pathToFileURL(join(commonjs, `${entry}.mjs`)).href)
}
