// Compiles bench/ and what it uses into build/, and runs one of its programs with Node.js.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [program = 'main', ...args] = process.argv.slice(2)
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
const tsc = join(dirname(typescript), 'bin', 'tsc')

run([tsc, '-p', 'tsconfig.tools.json'])
run([join('build', 'bench', `${program}.js`), ...args])

function run(argv) {
  const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
