// Compiles machines/ and src/ into a fresh dist/, and makes the dashboard's page there: its script in
// one file, its styles, and the statechart laid out.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { layoutOf } from './statechart-layout.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')

rmSync(join(root, 'dist'), { recursive: true, force: true })

const tsc = join(dirname(typescript), 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

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
