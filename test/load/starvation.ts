import { readdirSync, readFileSync } from 'node:fs'
import { now } from '../faults/now.js'
import { wokenLateMs } from './witness.js'

/** Each look reads an account of every thread: more of them would starve whom they look at. */
const EVERY_MS = 250

interface Look {
  readonly at: number
  /** Since the first look, summed up over all threads. */
  readonly waitedMs: number
}

/**
 * How long this process and those that it has started were ready to run and had to wait for a
 * processor or for the disk: by Linux's own account of every thread (`schedstat`) and of the disk
 * (`pressure`), and by a thread that looks how late it wakes, since no account has what a host takes
 * from its guests. What a promise says about time is said of processes that are let to run: what is
 * measured is judged net of this. It is an upper bound, since threads can wait at the same time, and
 * next to nothing on a machine that has nothing else to do.
 */
export class Starvation implements Disposable {
  readonly #looks: Look[] = []
  /** In milliseconds, by who or what keeps the account. */
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
    for (const [account, ms] of [...waitsOf(process.pid), ...waitsOfAll()]) {
      const before = this.#waitedMs.get(account) ?? (isFirst ? ms : 0)
      waitedMs += Math.max(0, ms - before)
      this.#waitedMs.set(account, ms)
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

/** The same, for whoever runs on this machine: what the witness has seen, and for the disk. */
function* waitsOfAll(): Generator<readonly [account: string, ms: number]> {
  yield ['witness', wokenLateMs()]
  const total = wordsOf('/proc/pressure/io').find((word) => word.startsWith('total='))
  if (total !== undefined) yield ['disk', Number(total.slice('total='.length)) / 1e3]
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
