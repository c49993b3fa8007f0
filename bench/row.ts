import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ContenderName } from './contenders/contender.js'
import type { Program } from './contenders/programs.js'
import { WorkerProcess } from './process.js'
import { requestsReceived } from './requests.js'

const run = promisify(execFile)
const IMPORTING = fileURLToPath(new URL('importing.js', import.meta.url))

/** What one sample of a row has measured, by the name of the figure. */
export type Figures = Readonly<Record<string, number>>

/** That a figure of `locked` is at most `atMost`, or at most `atMost` times that of another contender. */
export interface Goal {
  readonly figure: string
  readonly atMost: number
  readonly times?: Exclude<ContenderName, 'locked'> | { readonly figure: string }
}

/** One line of the comparison. */
export interface Row {
  readonly name: string
  readonly title: string
  /** How often it is repeated, the contenders taking turns. */
  readonly rounds: number
  /** Those that can be measured so, if not all can. */
  readonly contenders?: readonly ContenderName[]
  readonly goals: readonly Goal[]
  sample(place: Place): Promise<Figures>
}

/** Where a sample is taken: one contender, on one etcd. */
export class Place {
  readonly contender: ContenderName
  readonly #program: Program
  readonly endpoint: string
  readonly #size: number

  constructor(
    [contender, program]: readonly [ContenderName, Program],
    endpoint: string,
    size: number,
  ) {
    this.contender = contender
    this.#program = program
    this.endpoint = endpoint
    this.#size = size
  }

  /** A number of paths or repetitions, smaller in a quick run. */
  scaled(number: number): number {
    return Math.max(2, Math.round(number * this.#size))
  }

  /** Paths that nothing has used yet, under a prefix of their own. */
  paths(count: number): readonly string[] {
    const prefix = `/bench/${randomUUID().slice(0, 8)}`
    return Array.from({ length: count }, (_, index) => `${prefix}/${index}`)
  }

  worker({ warm = true } = {}): Promise<WorkerProcess> {
    const { contender, endpoint } = this
    return WorkerProcess.start(this.#program, { name: contender, endpoint, warm })
  }

  /** How long a fresh process takes to load the contender and to use it once, in milliseconds. */
  async importing(endpoint = this.endpoint): Promise<number> {
    const { stdout } = await run(process.execPath, [IMPORTING, this.contender, endpoint])
    return Number(stdout)
  }

  requests(): Promise<number> {
    return requestsReceived(this.endpoint)
  }
}
