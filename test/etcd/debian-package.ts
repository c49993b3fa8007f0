import { type ExecFileOptionsWithStringEncoding, execFile } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { rename } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

interface UnpackOptions {
  /** Whether the packages that it needs and that are not installed are unpacked as well. */
  readonly withDependencies?: boolean
}

/**
 * A Debian package, unpacked into a cache folder. Needs apt-get and dpkg, and no root: apt works on
 * lists and a cache of its own, so the machine's may be empty. Resolves with the folder.
 */
export async function unpackDebianPackage(
  name: string,
  { withDependencies = false }: UnpackOptions = {},
): Promise<string> {
  const cache = cacheFolder()
  const unpacked = join(cache, name)
  if (existsSync(unpacked)) return unpacked

  const work = mkdtempSync(join(cache, 'unpacking-'))
  try {
    await download(name, withDependencies, work)
    const files = readdirSync(work).filter((name) => name.endsWith('.deb'))
    if (files.length === 0) throw new Error('apt-get download left no package behind')
    for (const file of files) await run('dpkg', ['-x', join(work, file), join(work, 'root')])
    await rename(join(work, 'root'), unpacked).catch((error: unknown) => {
      // Another run may have been faster.
      if (!isTaken(error)) throw error
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return unpacked
}

async function download(name: string, withDependencies: boolean, work: string): Promise<void> {
  const lists = join(work, 'lists')
  const archives = join(work, 'cache')
  for (const folder of [lists, archives]) mkdirSync(join(folder, 'partial'), { recursive: true })
  const options = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${archives}`,
    `Dir::Cache::archives=${archives}`,
    // As root, apt would download as a user who may not write here.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
  ].flatMap((option) => ['-o', option])
  const settings = {
    cwd: work,
    env: { ...process.env, LC_ALL: 'C' },
    timeout: 300_000,
    encoding: 'utf8',
  } as const
  await run('apt-get', [...options, 'update'], settings)
  const names = withDependencies ? await missingFor(name, options, settings) : [name]
  await run('apt-get', [...options, 'download', ...names], settings)
}

/** The package, and those that installing it would install as well. */
async function missingFor(
  name: string,
  options: readonly string[],
  settings: ExecFileOptionsWithStringEncoding,
): Promise<string[]> {
  const install = ['--simulate', '--no-install-recommends', 'install', name]
  const { stdout } = await run('apt-get', [...options, ...install], settings)
  return [name, ...[...stdout.matchAll(/^Inst (\S+)/gm)].map(([, one = name]) => one)]
}

/** The first of the usual places that this user may write to. */
function cacheFolder(): string {
  const bases = [
    process.env.XDG_CACHE_HOME,
    join(homedir(), '.cache'),
    join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'node_modules', '.cache'),
    join(tmpdir(), `locked-${process.getuid?.() ?? 'user'}`),
  ]
  for (const base of bases) {
    const folder = base && join(base, 'locked-etcd')
    if (folder && isOurs(folder)) return folder
  }
  throw new Error('found no folder to unpack Debian packages into: set XDG_CACHE_HOME to one')
}

function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK | constants.X_OK)
    // What is executed from a shared folder must not be someone else's.
    return process.getuid === undefined || statSync(folder).uid === process.getuid()
  } catch {
    return false
  }
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(`${error.code}`)
  )
}
