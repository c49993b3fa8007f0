import { spawn } from 'node:child_process'

/** What a command wrote, and how it ended: by itself, or because it hung. */
export interface Ended {
  readonly status: number | null
  /** Standard output and standard error, as they came. */
  readonly text: string
}

const HANGS_MS = 120_000

/** Runs a command to its end. One that something left open keeps from ending is killed, with a status of `null`. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, VITEST: __, ...inherited } = process.env
    const child = spawn(command, args, { cwd, env: { ...inherited, ...env } })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part) => {
        text += part
      })
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), HANGS_MS)
    child.on('error', reject)
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve({ status, text })
    })
  })
}
