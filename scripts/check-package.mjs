// Checks the package as it would be published: that its exports resolve, and that its types match
// its JavaScript for CommonJS and for ESM importers.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'locked-package-'))
try {
  // dist is there already: `npm run check` builds it first.
  const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [{ filename }] = JSON.parse(packed.stdout)
  const tarball = join(folder, filename)
  run('publint', ['run', '--strict', tarball])
  // `profile node16` leaves out the resolution of Node.js 10, which knows no exports.
  const attw = [tarball, '--profile', 'node16', '--no-emoji']
  run('attw', [...attw, '--exclude-entrypoints', './machine', './testing', './package.json'])
  // These two are ESM only, which require() accepts in every Node.js that locked supports.
  run('attw', [
    ...attw,
    '--entrypoints',
    './machine',
    './testing',
    '--ignore-rules',
    'cjs-resolves-to-esm',
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Runs a command to its end; throws if it fails. npm put node_modules/.bin on the PATH. */
function run(command, args, options) {
  const result = spawnSync(command, args, { stdio: 'inherit', encoding: 'utf8', ...options })
  if (result.error) throw result.error
  if (result.status !== 0)
    throw new Error(`${command} ended with ${result.status ?? result.signal}`)
  return result
}
