// Checks the package as it would be published: that its exports resolve, and that its types match
// its JavaScript for CommonJS and for ESM importers.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const folder = mkdtempSync(join(tmpdir(), 'locked-package-'))
try {
  // dist is there already: `npm run check` builds it first.
  const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [{ filename }] = JSON.parse(packed.stdout)
  const tarball = join(folder, filename)
  await lint(tarball)
  run('attw', [
    tarball,
    '--profile',
    'strict',
    '--no-emoji',
    '--exclude-entrypoints',
    './package.json',
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function lint(tarball) {
  const { buffer } = new Uint8Array(readFileSync(tarball))
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
  // What a bundler's require('locked') gives is a function, which no ES module can be.
  const isMeant = ({ code, path }) =>
    code === 'EXPORTS_MODULE_SHOULD_BE_ESM' && path.join(' ') === 'exports . default module'
  const wrong = messages.filter((message) => !isMeant(message))
  for (const message of wrong) console.error(formatMessage(message, pkg))
  if (wrong.length > 0) throw new Error(`publint finds ${wrong.length} faults`)
}

/** Runs a command to its end; throws if it fails. npm put node_modules/.bin on the PATH. */
function run(command, args, options) {
  const result = spawnSync(command, args, { stdio: 'inherit', encoding: 'utf8', ...options })
  if (result.error) throw result.error
  if (result.status !== 0)
    throw new Error(`${command} ended with ${result.status ?? result.signal}`)
  return result
}
