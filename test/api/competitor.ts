import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Json, NodeOptions } from '../../src/index.js'
import { assertBuilt } from '../package/built.js'

const script = fileURLToPath(new URL('competitor.mjs', import.meta.url))

export interface Told {
  readonly event: string
  readonly args: readonly unknown[]
  /** On the clock that all processes of this machine share. */
  readonly atMs: number
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** A node in a Node.js process of its own. */
export class Competitor {
  readonly told: Told[] = []
  /** What the process wrote to its standard error: nothing, if all is well. */
  complaints = ''
  readonly #child: ChildProcessWithoutNullStreams
  readonly #heard = new EventEmitter()
  readonly #exit: Promise<unknown>
  #calls = 0

  private constructor(hosts: string, options: NodeOptions & { readonly path: string }) {
    this.#child = spawn(process.execPath, [script, JSON.stringify(hosts), JSON.stringify(options)])
    this.#exit = once(this.#child, 'close')
    this.#heard.setMaxListeners(0)
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.complaints += text
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const message: Told | Answer = JSON.parse(line)
      if ('event' in message) this.told.push(message)
      this.#heard.emit('message', message)
    })
  }

  /** Resolves once the process is there; its node is not started yet. Killed when the test ends. */
  static async spawn(
    hosts: string,
    options: NodeOptions & { readonly path: string },
  ): Promise<Competitor> {
    assertBuilt()
    const competitor = new Competitor(hosts, options)
    onTestFinished(() => competitor.kill())
    await competitor.until('ready')
    return competitor
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Calls a method of the node, or `look` or `leave`. */
  async call(call: 'start' | 'stop' | 'id' | 'value' | 'look' | 'leave'): Promise<Json> {
    this.#calls += 1
    const id = this.#calls
    const answered = this.#hear((message) => 'id' in message && message.id === id)
    this.#child.stdin.write(`${JSON.stringify({ id, call })}\n`)
    const answer = await answered
    if ('event' in answer) throw new Error('an event is no answer')
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result as Json
  }

  /** The first event of that name from position `from` of `told` on, waited for if need be. */
  async until(event: string, from = 0): Promise<Told> {
    const told = this.told.slice(from).find((one) => one.event === event)
    if (told !== undefined) return told
    const message = await this.#hear((one) => 'event' in one && one.event === event)
    if (!('event' in message)) throw new Error('an answer is no event')
    return message
  }

  count(event: string): number {
    return this.told.filter((one) => one.event === event).length
  }

  /** SIGKILL. Resolves once the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Resolves once the process has ended by itself, with its exit code. */
  async exited(): Promise<number | null> {
    await this.#exit
    return this.#child.exitCode
  }

  /** Rejects if the process ends first. */
  async #hear(wanted: (message: Told | Answer) => boolean): Promise<Told | Answer> {
    const heard = new Promise<Told | Answer>((resolve) => {
      const listen = (message: Told | Answer) => {
        if (!wanted(message)) return
        this.#heard.off('message', listen)
        resolve(message)
      }
      this.#heard.on('message', listen)
    })
    const gone = this.#exit.then(() => {
      throw new Error(`the process has ended: ${this.complaints || 'without a word'}`)
    })
    return await Promise.race([heard, gone])
  }
}
