import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assertBuilt, root } from '../package/built.js'

/**
 * The folder of a project beside this file, with what its lockfile names installed, and the package as
 * it is built now: not as a link, which would lead out of `node_modules`. Its dependencies are found
 * in the folders above.
 */
export function project(name: string): string {
  assertBuilt()
  const folder = join(root, 'test', 'hosts', name)
  const modules = join(folder, 'node_modules')
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const installed = join(modules, '.installed')
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
    const npm = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
    const { status, stdout, stderr, error } = spawnSync('npm', npm, {
      cwd: folder,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    if (error) throw error
    if (status !== 0)
      throw new Error(`npm ci in ${folder} ended with ${status}\n${stdout}${stderr}`)
    writeFileSync(installed, lock)
  }
  const locked = join(modules, 'locked')
  rmSync(locked, { recursive: true, force: true })
  mkdirSync(locked)
  for (const part of ['package.json', 'dist']) {
    cpSync(join(root, part), join(locked, part), { recursive: true })
  }
  return folder
}
