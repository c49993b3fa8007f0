import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Leadership } from '../../index.js'
import type { LockedNode } from '../../node.js'
import { EXIT } from '../exit-codes.js'
import { oneLine, type Say, word } from '../messages.js'
import { exitCodeOf } from './exit-code.js'
import type { Outcome } from './messages.js'
import { Runner, type Unwatched } from './runner.js'

/** Shares of the longest validity seen: when the command is told to end, and when it is killed. */
const GRACE_SHARE = 1 / 4
const MARGIN_SHARE = 1 / 20
const SHORTEST_MARGIN_MS = 100
const LONGEST_MARGIN_MS = 500
/** What a command may take when another may lead already: its record was deleted or overwritten. */
const LOST_WITHIN_MS = 1_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** A command that has run for so long is run again at once. */
const RAN_WELL_MS = 10_000
/** When so many watchdogs in a row have failed, the next will too. */
const MOST_FAILURES = 6
/** Of a longer one only the beginning is shown. */
const LONGEST_SHOWN = 200

export interface CandidateSettings {
  readonly id: string
  readonly value: string
  readonly command: string
  readonly args: readonly string[]
  /** Whether losing leadership ends it. */
  readonly once: boolean
  /** Whether the command is run again after it has ended by itself. */
  readonly restart: boolean
}

/** Runs a command whenever, and only while, a node leads. */
export class Candidate {
  /** Resolves with an exit code once there is nothing more to do. It is for the caller to stop. */
  readonly finished: Promise<number>
  readonly #node: LockedNode
  readonly #settings: CandidateSettings
  readonly #say: Say
  readonly #runner = new Runner()
  #finish: (exitCode: number) => void = () => undefined
  #longestValidityMs = 0
  #isStopping = false
  #exitCode: number | null = null
  #leading: Promise<void> = Promise.resolve()

  constructor(node: LockedNode, settings: CandidateSettings, say: Say) {
    this.#node = node
    this.#settings = settings
    this.#say = say
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
    node.on('refresh', () => {
      this.#noteValidity()
      this.#runner.extend(node)
    })
    node.lead((leadership) => {
      this.#leading = this.#lead(leadership)
      return this.#leading
    })
  }

  /** Joins the election. Never rejects: what goes wrong is an event of the node. */
  start(): void {
    this.#runner.prepare()
    this.#node.start(() => undefined)
  }

  /** The command's, when it has ended just now; `null` when it was not running. */
  get exitCode(): number | null {
    return this.#exitCode
  }

  /** Ends the command if it runs, and then hands over, or releases the path where nobody waits. */
  async stop(): Promise<void> {
    this.#isStopping = true
    // The node waits for the command, but no longer than its session is valid.
    await this.#node.stop()
    await this.#runner.close()
    await this.#leading
  }

  /** From election to loss; resolves only once the command does not run any more. */
  async #lead({ token, signal }: Leadership): Promise<void> {
    this.#say(`leads ${oneLine(this.#node.path)} with token ${token}`)
    const end = () => {
      // On its own stop the node waits for as long as its session is valid.
      this.#runner.end(this.#isStopping ? this.#node.validityMs : LOST_WITHIN_MS)
    }
    signal.addEventListener('abort', end)
    let pauseMs = FIRST_PAUSE_MS
    let failures = 0
    while (await this.#isSafe(signal)) {
      const startedAt = performance.now()
      const outcome = await this.#run(token)
      this.#exitCode = exitCodeOf(outcome)
      if (this.#isStopping) break
      if (wasEnded(outcome, signal)) {
        if (outcome.type !== 'over' || outcome.signal !== null || outcome.code !== null) {
          this.#say('the command was ended')
        }
        if (this.#settings.once) this.#finish(EXIT.lost)
        this.#exitCode = null
        continue
      }
      if (performance.now() - startedAt >= RAN_WELL_MS) {
        pauseMs = FIRST_PAUSE_MS
        failures = 0
      }
      this.#tell(outcome)
      if (outcome.type === 'unwatched') {
        failures += 1
        if (failures === MOST_FAILURES) {
          this.#say(`the watchdog has failed ${failures} times in a row: giving up`)
          this.#finish(EXIT.notExecutable)
          break
        }
      } else if (outcome.type === 'failed' || !this.#settings.restart) {
        this.#finish(this.#exitCode)
        break
      }
      this.#exitCode = null
      await delay(pauseMs, undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
    signal.removeEventListener('abort', end)
    if (!this.#isStopping && this.#settings.once && signal.aborted) this.#finish(EXIT.lost)
  }

  #run(token: bigint): Promise<Outcome | Unwatched> {
    const { id, value, command, args } = this.#settings
    const { path } = this.#node
    const env = {
      ...process.env,
      LOCKED_PATH: path,
      LOCKED_ID: id,
      LOCKED_VALUE: value,
      LOCKED_TOKEN: `${token}`,
    }
    const marginMs = Math.min(
      Math.max(this.#longestValidityMs * MARGIN_SHARE, SHORTEST_MARGIN_MS),
      LONGEST_MARGIN_MS,
    )
    const leadership = this.#node
    return this.#runner.run({ command, args, env, leadership, graceMs: this.#graceMs, marginMs })
  }

  /** Waits until there is time enough to run a command and to end it; `false` when no longer leader. */
  async #isSafe(signal: AbortSignal): Promise<boolean> {
    this.#noteValidity()
    while (!signal.aborted && !this.#isStopping && this.#node.validityMs <= 2 * this.#graceMs) {
      await once(this.#node, 'refresh', { signal }).catch(() => undefined)
    }
    return !signal.aborted && !this.#isStopping
  }

  get #graceMs(): number {
    return this.#longestValidityMs * GRACE_SHARE
  }

  #noteValidity(): void {
    this.#longestValidityMs = Math.max(this.#longestValidityMs, this.#node.validityMs)
  }

  #tell(outcome: Outcome | Unwatched): void {
    const { command } = this.#settings
    if (outcome.type === 'failed') {
      const shown = command.length > LONGEST_SHOWN ? `${command.slice(0, LONGEST_SHOWN)}…` : command
      this.#say(`cannot run ${word(shown)}: ${oneLine(outcome.message)}`)
    } else if (outcome.type === 'unwatched') {
      this.#say(`the watchdog of the command has failed: ${oneLine(outcome.message)}`)
    } else if (outcome.signal !== null) this.#say(`the command was killed by ${outcome.signal}`)
    else this.#say(`the command has ended with ${outcome.code}`)
  }
}

/** Whether it did not end by itself: it was told to, or killed when leadership was lost already. */
function wasEnded(outcome: Outcome | Unwatched, signal: AbortSignal): boolean {
  if (outcome.type === 'unwatched') return signal.aborted
  return outcome.type === 'over' && outcome.wasTold
}
