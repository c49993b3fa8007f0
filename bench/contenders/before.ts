import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type locked from '../../src/index.js'

/** The variable that names the folder of another version to the processes that measure it. */
export const AGAINST = 'LOCKED_BENCH_AGAINST'

/** What users get of this package, as it has been built in a folder; or of this version of it. */
export async function versionIn(folder: string | null): Promise<typeof locked> {
  const from = folder === null ? import.meta.url : join(folder, 'package.json')
  const file = createRequire(from).resolve('locked')
  return (await import(pathToFileURL(file).href)).default
}
