import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a process of lockers is asked to do. */
export type Asked =
  /** So many lockers, each a connection and a session of its own, with nodes at so many paths. */
  | { readonly call: 'start'; readonly lockers: number; readonly paths: readonly string[] }
  /** Stops all nodes. */
  | { readonly call: 'stop' }
  /** After garbage collection, in bytes. */
  | { readonly call: 'heap' }
  /** Resolves once all nodes lead. */
  | { readonly call: 'lead' }

const script = fileURLToPath(new URL('lockers-worker.js', import.meta.url))

/** A process of lockers, see lockers-worker.ts. */
export class LockersProcess implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor(endpoint: string) {
    this.#child = fork(script, [endpoint], {
      execArgv: ['--expose-gc', '--max-old-space-size=4096'],
    })
  }

  async ask(asked: Asked): Promise<number> {
    const answered = once(this.#child, 'message')
    this.#child.send(asked)
    const [answer] = await Promise.race([answered, this.#ended()])
    if (typeof answer !== 'number') throw new Error(`scale: a process failed: ${answer}`)
    return answer
  }

  async #ended(): Promise<never> {
    await once(this.#child, 'exit')
    throw new Error('scale: a process ended')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
