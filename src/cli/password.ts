import { openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { readFileOrStdin } from './file.js'
import { print, write } from './shown.js'
import { UsageError } from './usage-error.js'

const TERMINAL = '/dev/tty'

/** The first line of a file, or of standard input when `path` is `-`. */
export function passwordIn(path: string): string {
  const [line = ''] = readFileOrStdin('--password-file', path).toString().split(/\r?\n/)
  if (line === '') throw new UsageError(`--password-file: the first line of ${path} is empty`)
  return line
}

/**
 * Asks for a password on the terminal, without showing it. Standard input is left alone: a command
 * may read it.
 *
 * @throws UsageError when there is no terminal, or the user gives up.
 */
export async function askPassword(user: string): Promise<string> {
  const terminal = openTerminal()
  if (terminal === null) {
    throw new UsageError(
      `no password for user ${user}: set ETCDCTL_PASSWORD or ETCDCTL_USER=${user}:PASSWORD, or name a file with --password-file`,
    )
  }
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  // As a terminal, readline takes it out of echo mode.
  const lines = createInterface({ input: terminal, output: silence, terminal: true })
  write(process.stderr, `Password for ${user}: `)
  const gaveUp = new AbortController()
  lines.on('SIGINT', () => gaveUp.abort())
  lines.on('close', () => gaveUp.abort())
  try {
    return await lines.question('', { signal: gaveUp.signal })
  } catch {
    throw new UsageError(`no password was given for user ${user}`)
  } finally {
    print(process.stderr, '')
    lines.close()
    terminal.destroy()
  }
}

function openTerminal(): ReadStream | null {
  let descriptor: number
  try {
    descriptor = openSync(TERMINAL, 'r+')
  } catch {
    return null
  }
  return new ReadStream(descriptor)
}
