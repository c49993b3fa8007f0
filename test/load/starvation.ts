import { readdirSync, readFileSync } from 'node:fs'
import { now } from '../faults/now.js'

const EVERY_MS = 100

interface Look {
  readonly at: number
  /** Since the first look, summed up over all threads. */
  readonly waitedMs: number
}

/**
 * How long this process and those that it has started were ready to run and had to wait for a
 * processor, by Linux's own account of every thread (`schedstat`). What a promise says about time is
 * said of processes that are let to run: what is measured is judged net of this. It is an upper
 * bound, since threads can wait at the same time, and 0 on a machine that has nothing else to do.
 * Where there is no such account it is 0 as well, and nothing is excused.
 */
export class Starvation implements Disposable {
  readonly #looks: Look[] = []
  /** In milliseconds, by thread. */
  readonly #waitedMs = new Map<string, number>()
  readonly #timer = setInterval(() => this.#look(), EVERY_MS)

  constructor() {
    this.#look()
    this.#timer.unref()
  }

  /** How long they had to wait between two times of `now()`, or a little longer. */
  between(from: number, to: number): number {
    if ((this.#looks.at(-1)?.at ?? 0) < to) this.#look()
    const before = this.#looks.findLast(({ at }) => at <= from) ?? this.#looks[0]
    const after = this.#looks.find(({ at }) => at >= to) ?? this.#looks.at(-1)
    return (after?.waitedMs ?? 0) - (before?.waitedMs ?? 0)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const at = now()
    let waitedMs = this.#looks.at(-1)?.waitedMs ?? 0
    const isFirst = this.#looks.length === 0
    for (const [thread, ms] of waitsOf(process.pid)) {
      const before = this.#waitedMs.get(thread) ?? (isFirst ? ms : 0)
      waitedMs += Math.max(0, ms - before)
      this.#waitedMs.set(thread, ms)
    }
    this.#looks.push({ at, waitedMs })
  }
}

/** How long `act` took, in milliseconds, net of what it had to wait for a processor. */
export async function timeNet(act: () => unknown): Promise<number> {
  using starvation = new Starvation()
  const from = now()
  await act()
  const to = now()
  return to - from - starvation.between(from, to)
}

/** How long each thread of the process and of its descendants has waited so far, in milliseconds. */
function* waitsOf(pid: number): Generator<readonly [thread: string, ms: number]> {
  for (const thread of entriesOf(`/proc/${pid}/task`)) {
    const [, waitedNs] = wordsOf(`/proc/${pid}/task/${thread}/schedstat`)
    if (waitedNs !== undefined) yield [thread, Number(waitedNs) / 1e6]
  }
  for (const child of wordsOf(`/proc/${pid}/task/${pid}/children`)) yield* waitsOf(Number(child))
}

/** Empty for what is not there, or not there any more. */
function wordsOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split(/\s+/).filter(Boolean)
  } catch {
    return []
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
