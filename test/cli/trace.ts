import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { PATIENCE_MS } from '../patience.js'

const WORK = fileURLToPath(new URL('./work.mjs', import.meta.url))
const LOOK_MS = 10
/** So many lines are what work leaves in a fraction of a second. */
const SOME_RUNS = 20

interface Line {
  readonly token: number
  readonly what: 'started' | 'runs' | 'told'
  readonly pid: number
  readonly at: number
}

/** What the works of several leaders have left in one file. */
export class Trace {
  readonly #file: string

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'locked-trace-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    this.#file = join(folder, 'trace')
  }

  /** The command that leaves its trace here. */
  work(...flags: readonly string[]): readonly string[] {
    return ['--', process.execPath, WORK, this.#file, ...flags]
  }

  get lines(): readonly Line[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch {
      return []
    }
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .map(({ token, ...rest }) => ({ ...rest, token: Number(token) }))
  }

  of(what: Line['what']): readonly Line[] {
    return this.lines.filter((line) => line.what === what)
  }

  /** Resolves with the first line that is `wanted`, of those so far and those to come. */
  async until(what: string, wanted: (line: Line) => boolean): Promise<Line> {
    const until = performance.now() + PATIENCE_MS
    while (performance.now() < until) {
      const found = this.lines.find(wanted)
      if (found !== undefined) return found
      await delay(LOOK_MS)
    }
    throw new Error(
      `${what} was awaited in vain; the trace: ${JSON.stringify(this.lines.slice(-5))}`,
    )
  }

  untilStarted(after = 0): Promise<Line> {
    return this.until(`work with a token above ${after}`, ({ token, what }) => {
      return what === 'started' && token > after
    })
  }

  /** Resolves once the work of this token has run for a moment. */
  untilRunning(token: number): Promise<Line> {
    const runs = () => this.of('runs').filter((line) => line.token === token)
    return this.until(`work of ${token}`, () => runs().length >= SOME_RUNS)
  }

  /** Asserts that once a leader's work has begun nothing of an earlier leader's ran. */
  expectNoOverlap(): void {
    const tokens = this.lines.map(({ token }) => token)
    const inOrder = [...tokens].sort((a, b) => a - b)
    expect(tokens).toEqual(inOrder)
  }

  /** Of each leader, in order of their tokens: from when to when its work has left traces. */
  get turns(): readonly { readonly fromMs: number; readonly toMs: number }[] {
    const tokens = [...new Set(this.lines.map(({ token }) => token))].sort((a, b) => a - b)
    return tokens.map((token) => {
      const at = this.lines.filter((line) => line.token === token).map((line) => line.at)
      return { fromMs: Math.min(...at), toMs: Math.max(...at) }
    })
  }

  /** Asserts by the clock, rather than by the order of the lines, that each began after the one before it. */
  expectTurns(): void {
    const { turns } = this
    for (const [index, { fromMs }] of turns.entries()) {
      expect(turns[index - 1]?.toMs ?? 0).toBeLessThanOrEqual(fromMs)
    }
  }

  /** Asserts that none of the processes that left a trace runs any more. */
  expectAllGone(): void {
    const pids = new Set(this.lines.map(({ pid }) => pid))
    expect([...pids].filter(isRunning)).toEqual([])
  }

  /** Resolves with when the work of this token was last seen to run, once it is gone. */
  async gone(token: number): Promise<number> {
    const until = performance.now() + PATIENCE_MS
    const own = () => this.lines.filter((line) => line.token === token)
    while (own().some(({ pid }) => isRunning(pid))) {
      if (performance.now() > until) throw new Error(`the work of ${token} still runs`)
      await delay(LOOK_MS)
    }
    return own().at(-1)?.at ?? 0
  }
}

/** A dead process of which nobody has taken note does not run. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/\) [ZX] /.test(stat)
  } catch {
    return false
  }
}

/** The processes whose parent this is. */
export function childrenOf(parent: number): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
    } catch {
      return false
    }
  })
}
