import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type locked from '../../src/index.js'

/** The variable that names the folder of another version to the processes that measure it. */
export const AGAINST = 'LOCKED_BENCH_AGAINST'

/** The version of this package that has been built in a folder. */
export async function versionIn(folder: string): Promise<typeof locked> {
  const file = createRequire(join(folder, 'package.json')).resolve('locked')
  return (await import(pathToFileURL(file).href)).default
}
