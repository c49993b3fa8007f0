import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { ContenderName } from './contenders/contender.js'
import type { Program } from './contenders/programs.js'

interface Asked {
  prepare: { name: ContenderName; endpoint: string; warm: boolean }
  join: { paths: readonly string[]; lead: boolean; listen?: boolean }
  joinInTurn: { paths: readonly string[] }
  elected: object
  leave: object
  leaveFirst: object
  electedFirst: object
  takeOverWithin: object
  processorTime: object
  heap: object
  close: object
}

interface Span {
  readonly startedAt: number
  readonly doneAt: number
}

export interface Answers {
  prepare: undefined
  /** From the call until all lead (`lead`), or are known to wait. */
  join: Span
  /** For each, in milliseconds from the call until it was elected. */
  joinInTurn: readonly number[]
  /** When the first and the last of its candidates were elected. */
  elected: { readonly firstAt: number; readonly lastAt: number }
  leave: Span
  /** Of its candidates, the one that joined first. */
  leaveFirst: Span
  electedFirst: { readonly at: number }
  /** In milliseconds from the leader’s leave until another candidate of the process is elected. */
  takeOverWithin: number
  /** Since the process began, in milliseconds. */
  processorTime: number
  /** After garbage collection, in bytes. */
  heap: number
  close: undefined
}

export type Ask<Name extends keyof Asked> = Asked[Name] & {
  readonly id: number
  readonly call: Name
}

/** A process of candidates, see worker.ts and contenders/go/worker.go. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve(result: never): void; reject(error: Error): void }
  >()
  #asked = 0

  private constructor(program: Program) {
    this.#child = program()
    this.#child.on(
      'message',
      ({ id, result, error }: { id: number; result: never; error?: string }) => {
        const waiting = this.#waiting.get(id)
        this.#waiting.delete(id)
        if (error === undefined) waiting?.resolve(result)
        else waiting?.reject(new Error(`bench: a worker failed: ${error}`))
      },
    )
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('bench: a worker ended'))
    })
  }

  /** Starts it for one contender; `warm` unless it is the first request that is to be measured. */
  static async start(program: Program, contender: Asked['prepare']): Promise<WorkerProcess> {
    const worker = new WorkerProcess(program)
    await worker.ask('prepare', contender)
    return worker
  }

  ask<Name extends keyof Asked>(call: Name, asked: Asked[Name]): Promise<Answers[Name]> {
    this.#asked += 1
    const id = this.#asked
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ ...asked, id, call })
    })
  }

  /** Ends it with kill -9. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** Closes what is open, and ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await this.ask('close', {}).catch(() => undefined)
    }
    await this.kill()
  }
}
