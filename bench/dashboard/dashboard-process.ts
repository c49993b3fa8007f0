import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** From build/bench/dashboard/. */
const COMMAND = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))

/** `locked dashboard`, as its user starts it. */
export class DashboardProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly url: string

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Resolves once it can be opened; it may have nothing to show yet. */
  static async start(endpoint: string, prefix: string): Promise<DashboardProcess> {
    const options = ['--endpoints', endpoint, '--prefix', prefix, '--port', '0']
    const child = spawn(process.execPath, [COMMAND, 'dashboard', ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for await (const line of createInterface({ input: child.stderr })) {
      const url = /the dashboard is at (\S+)/.exec(line)?.[1]
      if (url === undefined) continue
      child.stderr.resume()
      return new DashboardProcess(child, url)
    }
    throw new Error('bench: the dashboard has ended')
  }

  /** The most that it has had in memory so far, as Linux counts it. */
  async peakBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return 1_024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}
