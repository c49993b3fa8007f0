// `npm run test:node -- 22 24 26`: runs all tests on other versions of Node.js, each taken from npm (the
// package node-<platform>-<arch>) into a temporary folder. What else is given goes to vitest, such as
// `--project unit`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const versions = process.argv.slice(2).filter((arg) => /^\d/.test(arg))
const vitestArgs = process.argv.slice(2).filter((arg) => !/^\d/.test(arg))
if (versions.length === 0) {
  console.error('Name one or more versions of Node.js: npm run test:node -- 22 24')
  process.exit(1)
}

for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), 'locked-node-'))
  try {
    const name = `node-${process.platform}-${process.arch}`
    run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-audit',
      '--no-fund',
      `${name}@${version}`,
    ])
    const bin = join(folder, 'node_modules', name, 'bin')
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
    run(join(bin, 'node'), ['--version'], env)
    run(join(bin, 'node'), [vitest, 'run', ...vitestArgs], env)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a command to its end; throws if it fails. */
function run(command, args, env = process.env) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env })
  if (result.error) throw result.error
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`)
  }
}
