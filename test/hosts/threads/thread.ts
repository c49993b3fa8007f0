import { EventEmitter, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import type { NodeOptions } from '../../../src/index.js'
import { assertBuilt } from '../../package/built.js'

interface Told {
  readonly event: string
  readonly args: readonly unknown[]
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** A node in a worker thread of this process, which uses the package as it is built. */
export class Thread {
  readonly told: Told[] = []
  /** Resolves with the thread’s exit code once it has ended. */
  readonly exited: Promise<number>
  /** How often the thread has heard `exit`. */
  readonly #exits = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker
  readonly #heard = new EventEmitter()
  #calls = 0

  private constructor(
    hosts: string,
    options: NodeOptions & { readonly path: string },
    env: Readonly<Record<string, string>>,
  ) {
    this.#worker = new Worker(new URL('node.mjs', import.meta.url), {
      workerData: { hosts, options, exits: this.#exits },
      env: { ...process.env, ...env },
      execArgv: [],
    })
    this.#heard.setMaxListeners(0)
    this.exited = once(this.#worker, 'exit').then(([code]) => code)
    this.#worker.on('message', (message: Told | Answer) => {
      if ('event' in message) this.told.push(message)
      this.#heard.emit('message', message)
    })
    this.#worker.on('error', (error) => this.#heard.emit('failed', error))
  }

  /** Resolves once the thread is there; its node is not started yet. Terminated when the test ends. */
  static async begin(
    hosts: string,
    options: NodeOptions & { readonly path: string },
    env: Readonly<Record<string, string>> = {},
  ): Promise<Thread> {
    assertBuilt()
    const thread = new Thread(hosts, options, env)
    onTestFinished(() => thread.terminate())
    await thread.until('ready')
    return thread
  }

  /** Whether the thread has heard that it ends. */
  get heardExit(): boolean {
    return Atomics.load(this.#exits, 0) > 0
  }

  /** Calls a method of the node, or `look`, `leave` or `exit`. */
  async call(call: 'start' | 'stop' | 'candidates' | 'look' | 'leave' | 'exit'): Promise<unknown> {
    this.#calls += 1
    const id = this.#calls
    const answered = this.#hear((message) => 'id' in message && message.id === id)
    this.#worker.postMessage({ id, call })
    const answer = await answered
    if ('event' in answer) throw new Error('an event is no answer')
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result
  }

  /** The first event of that name from position `from` of `told` on, waited for if need be. */
  async until(event: string, from = 0): Promise<void> {
    if (this.told.slice(from).some((one) => one.event === event)) return
    await this.#hear((one) => 'event' in one && one.event === event)
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  /** Rejects if the thread ends first. */
  async #hear(wanted: (message: Told | Answer) => boolean): Promise<Told | Answer> {
    const heard = new Promise<Told | Answer>((resolve, reject) => {
      const listen = (message: Told | Answer) => {
        if (!wanted(message)) return
        this.#heard.off('message', listen)
        resolve(message)
      }
      this.#heard.on('message', listen)
      this.#heard.once('failed', reject)
    })
    const gone = this.exited.then((code) => {
      throw new Error(`the thread has ended with ${code}`)
    })
    return await Promise.race([heard, gone])
  }
}
