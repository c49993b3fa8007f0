import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Contender } from './contender.js'
import { TOLD, type What } from './teller.js'

/** Only what hangs takes so long. */
const PATIENCE_MS = 120_000

/** From when to when a process led; until now, if it has not ended. */
export interface Turn {
  readonly fromMs: number
  toMs: number
}

/** A process that competes. */
export class Competitor implements Disposable {
  readonly id: string
  readonly turns: Turn[] = []
  readonly #child: ChildProcess
  readonly #told = new EventEmitter()
  readonly #ended: Promise<unknown>
  #hasJoined = false

  constructor(
    { command: [program, ...args] }: Contender,
    endpoint: string,
    name: string,
    id: string,
  ) {
    this.id = id
    this.#child = spawn(program, [...args, endpoint, name, id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // What it has written is heard before that.
    this.#ended = once(this.#child, 'close')
    const { stdout } = this.#child
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#hear(line))
  }

  get isLeader(): boolean {
    return this.turns.at(-1)?.toMs === Number.POSITIVE_INFINITY
  }

  /** Resolves once it leads or waits. */
  async joined(): Promise<void> {
    await this.until(() => this.#hasJoined, 'joined')
  }

  /** Resolves once `holds`, which is looked at whenever it has told something. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const gone = this.#ended.then(() => {
      throw new Error(`rolling-update: ${this.id} has ended, and not ${what}`)
    })
    while (!holds()) await Promise.race([once(this.#told, 'told', { signal }), gone])
    gone.catch(() => undefined)
  }

  /** SIGTERM. Resolves once it has left and ended. */
  async leave(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
    if (this.#child.exitCode !== 0) {
      throw new Error(`rolling-update: ${this.id} has ended with ${this.#child.exitCode}`)
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }

  #hear(line: string): void {
    const [at, what] = line.split(' ')
    const told = TOLD.find((one) => one === what)
    if (told === undefined) throw new Error(`rolling-update: ${this.id} said ${line}`)
    this.#note(told, Number(at))
    this.#told.emit('told')
  }

  #note(what: What, atMs: number): void {
    switch (what) {
      case 'joined':
        this.#hasJoined = true
        return
      case 'begins':
        this.turns.push({ fromMs: atMs, toMs: Number.POSITIVE_INFINITY })
        return
      case 'ends': {
        const turn = this.turns.at(-1)
        if (turn !== undefined) turn.toMs = atMs
      }
    }
  }
}
