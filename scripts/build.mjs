// Compiles machines/ and src/ into a fresh dist/, and copies beside it the files that the compiler
// leaves out (the dashboard's pages and styles).
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')

rmSync(join(root, 'dist'), { recursive: true, force: true })

const tsc = join(dirname(typescript), 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

cpSync(join(root, 'src'), join(root, 'dist', 'src'), {
  recursive: true,
  filter: (path) => !/\.[cm]?ts$/.test(path),
})
