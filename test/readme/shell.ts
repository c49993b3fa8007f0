import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { MAIN } from '../cli/command.js'
import { unpackDebianPackage } from '../etcd/debian-package.js'
import { PATIENCE_MS } from '../patience.js'
import type { Block } from './blocks.js'
import { commandsIn } from './commands.js'

const run = promisify(execFile)

/** What is run, rather than only checked: it ends by itself, and needs nothing but an etcd. */
const RUN = /^(?:etcdctl|npx locked (?:get|candidates|transfer)|npx locked elect .* -- sh -c|echo) /

export function isRun({ text }: Block): boolean {
  return commandsIn(text).every((command) => RUN.test(command))
}

/** Runs a shell block with that etcd. Rejects at the first command that fails. */
export async function runShell({ text }: Block, endpoint: string): Promise<string> {
  const bin = mkdtempSync(join(tmpdir(), 'locked-block-'))
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }))
  const script = (name: string, line: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  script('locked', `exec '${process.execPath}' '${MAIN}' "$@"`)
  script('npx', 'exec "$@"')
  const path = [bin, process.env.PATH, await etcdctlFolder()].filter(Boolean).join(delimiter)
  const { stdout } = await run('sh', ['-eu', '-c', text], {
    cwd: bin,
    timeout: PATIENCE_MS,
    env: { ...process.env, PATH: path, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint },
  })
  return stdout
}

/** Where an etcdctl is if there is none on the PATH. */
async function etcdctlFolder(): Promise<string | null> {
  try {
    await run('etcdctl', ['version'], { env: { ...process.env, ETCDCTL_API: '3' } })
    return null
  } catch {
    return join(await unpackDebianPackage('etcd-client'), 'usr', 'bin')
  }
}
