import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Of the repository, where the script runs. */
const SOURCE = join('bench', 'contenders', 'go')
/** With the module to be fetched. */
const BUILT_WITHIN_MS = 300_000

export interface BuiltGo extends Disposable {
  readonly binary: string
}

/** Builds the Go program in a temporary folder; `null` where there is no Go, or the module cannot be had. */
export async function goWhereItIs(): Promise<BuiltGo | null> {
  try {
    return await buildGo()
  } catch (error) {
    console.error(`without Go's election, whose program cannot be built here: ${error}`)
    return null
  }
}

async function buildGo(): Promise<BuiltGo> {
  const folder = mkdtempSync(join(tmpdir(), 'locked-go-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const binary = join(folder, 'contender')
  try {
    cpSync(SOURCE, folder, { recursive: true })
    await run('go', ['build', '-o', binary, '.'], {
      cwd: folder,
      // A workspace around this folder, or flags for it, are nothing to this module.
      env: { ...process.env, GOWORK: 'off', GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
      timeout: BUILT_WITHIN_MS,
    })
    return { binary, [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw error
  }
}
