import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { MAIN, RunningCommand } from '../cli/command.js'
import { unpackDebianPackage } from '../etcd/debian-package.js'
import { PATIENCE_MS } from '../patience.js'
import type { Block } from './blocks.js'
import { commandsIn } from './commands.js'

const run = promisify(execFile)

/** What is run, rather than only checked: it ends by itself, and needs nothing but an etcd. */
const RUN = /^(?:etcdctl|npx locked (?:get|candidates|transfer)|npx locked elect .* -- sh -c|echo) /

/** What goes on until it is told to end: it is run until it has printed a line. */
const GOES_ON = /^npx locked (?:elect|observe|dashboard) /

/** The commands of a block that is not run as a whole, as far as they print something and go on. */
export function endlessCommandsIn(block: Block): readonly string[] {
  if (block.language !== 'sh' || isRun(block)) return []
  return commandsIn(block.text).filter((command) => GOES_ON.test(command))
}

/** Runs one of those with that etcd, and resolves with the first line that it prints. */
export async function firstLineOf(command: string, endpoint: string): Promise<string> {
  const bin = folderOfCommands()
  // What a user has there of their own; and the port may be taken.
  writeFileSync(join(bin, 'cleanup.sh'), '#!/bin/sh\necho cleans up\n', { mode: 0o755 })
  const there = command.replace('127.0.0.1:2379', endpoint)
  const whole = / dashboard /.test(there) ? `${there} --port 0` : there
  using running = new RunningCommand('sh', ['-euc', `cd '${bin}'; exec ${whole}`], {
    ...environment([bin, process.env.PATH], endpoint),
  })
  const [, line = ''] = await running.untilMatch(/^(.+)\n/)
  running.kill('SIGTERM')
  await running.exited
  return line
}

export function isRun({ text }: Block): boolean {
  return commandsIn(text).every((command) => RUN.test(command))
}

/** Runs a shell block with that etcd. Rejects at the first command that fails. */
export async function runShell({ text }: Block, endpoint: string): Promise<string> {
  const bin = folderOfCommands()
  const { stdout } = await run('sh', ['-eu', '-c', text], {
    cwd: bin,
    timeout: PATIENCE_MS,
    env: {
      ...process.env,
      ...environment([bin, process.env.PATH, await etcdctlFolder()], endpoint),
    },
  })
  return stdout
}

function environment(path: readonly (string | null | undefined)[], endpoint: string) {
  const PATH = path.filter(Boolean).join(delimiter)
  return { PATH, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint }
}

/** A folder of the test's own, with what an installed package brings. */
function folderOfCommands(): string {
  const bin = mkdtempSync(join(tmpdir(), 'locked-block-'))
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }))
  const script = (name: string, line: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  script('locked', `exec '${process.execPath}' '${MAIN}' "$@"`)
  script('npx', 'exec "$@"')
  return bin
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
