import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where what the tests download is kept: the first of the usual places that this user may write to. */
export function cacheFolder(): string {
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
  throw new Error('found no folder to unpack downloads into: set XDG_CACHE_HOME to one')
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
