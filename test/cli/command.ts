import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PATIENCE_MS } from '../patience.js'

/** The built command. */
export const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** Long enough for a machine that is busy, unless a test says otherwise. */
const PATIENT = { ETCDCTL_COMMAND_TIMEOUT: '100s' }

/** A command that runs, and what it has printed so far. */
export class RunningCommand {
  readonly #child
  readonly #heard = new EventEmitter()
  /** Of standard output and standard error together. */
  output = ''
  stdout = ''
  stderr = ''
  readonly exited: Promise<number | null>

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(command, args, { env: { ...PATIENT, ...process.env, ...env } })
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name].setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        this[name] += text
        this.#heard.emit('output')
      })
    }
    this.exited = once(this.#child, 'close').then(([code]) => code)
  }

  /** Runs the built command with these arguments. */
  static locked(...args: readonly string[]): RunningCommand {
    return new RunningCommand(process.execPath, [MAIN, ...args])
  }

  /** The same, with this in its environment besides. */
  static lockedIn(env: NodeJS.ProcessEnv, ...args: readonly string[]): RunningCommand {
    return new RunningCommand(process.execPath, [MAIN, ...args], env)
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the command could not be started')
    return this.#child.pid
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  type(keys: string): void {
    this.#child.stdin.write(keys)
  }

  endInput(): void {
    this.#child.stdin.end()
  }

  /** Resolves with what `look` makes of the output, as soon as that is not `null`. */
  async until<Result>(what: string, look: (output: string) => Result | null): Promise<Result> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const result = look(this.output)
      if (result !== null) return result
      try {
        await once(this.#heard, 'output', { signal })
      } catch {
        throw new Error(`${what} was awaited in vain; the output:\n${this.output}`)
      }
    }
  }

  untilMatch(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(`${pattern}`, (output) => pattern.exec(output))
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
