import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { unpackDebianPackage } from '../etcd/debian-package.js'

/**
 * The path of libfaketime, which makes one process see another wall clock: the machine's, or else
 * the one of Debian's package.
 */
export async function findFakeTime(): Promise<string> {
  const found = libraryIn('/') ?? libraryIn(await unpackDebianPackage('libfaketime'))
  if (found !== undefined) return found
  throw new Error(
    "Found no libfaketime, with which a process's wall clock is set. Install it ('apt-get install libfaketime') and run the tests again.",
  )
}

function libraryIn(root: string): string | undefined {
  const lib = join(root, 'usr', 'lib')
  if (!existsSync(lib)) return undefined
  return [lib, join(root, 'usr', 'local', 'lib'), ...archFolders(lib)]
    .map((folder) => join(folder, 'faketime', 'libfaketime.so.1'))
    .find((path) => existsSync(path))
}

/** Debian keeps libraries in a folder for each processor. */
function archFolders(lib: string): string[] {
  return readdirSync(lib)
    .filter((name) => name.includes('-linux-'))
    .map((name) => join(lib, name))
}
