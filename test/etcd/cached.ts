import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache-folder.js'

/**
 * The folder of this name in the cache, which `make` fills at its first use. It is there as a whole
 * or not at all, also when several processes make it at once.
 */
export async function cached(
  name: string,
  make: (root: string, work: string) => Promise<void>,
): Promise<string> {
  const cache = cacheFolder()
  const folder = join(cache, name)
  if (existsSync(folder)) return folder

  const work = mkdtempSync(join(cache, 'unpacking-'))
  try {
    const root = join(work, 'root')
    await make(root, work)
    await rename(root, folder).catch((error: unknown) => {
      // Another run may have been faster.
      if (!isTaken(error)) throw error
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(`${error.code}`)
  )
}
