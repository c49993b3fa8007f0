/**
 * The process between `locked elect` and its command. It outlives `locked`, whatever happens to that:
 * killed, stopped or hanging, the command gets its signals in time, because this process knows when
 * validity ends unless it is told of a renewal.
 *
 * It is the command's parent, so that there is no moment at which the command runs and nobody
 * watches. It holds no connection, and loads nothing but what stands in this folder.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Deadline, leftMs, monotonicNow } from './deadline.js'
import { isOrder, type Order, type Report, type RunOrder } from './messages.js'
import { ProcessGroup } from './process-group.js'

/** What a command leaves behind in its group may take so long to end. */
const LEFTOVERS_WITHIN_MS = 1_000
/** The wall clock may jump, and the machine be suspended: so often the deadline is looked at. */
const LONGEST_LOOK_MS = 200
/** How often it is looked whether anything of an ended group is left. */
const SHORTEST_LOOK_MS = 10

class Run {
  readonly #order: RunOrder
  readonly #child: ChildProcess
  readonly #report: (report: Report) => void
  #deadline: Deadline
  #group: ProcessGroup | null = null
  #status: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null
  #wasTold = false
  /** On the monotonic clock; infinite until it is told to end. */
  #killAt = Number.POSITIVE_INFINITY
  #look: NodeJS.Timeout | null = null

  constructor(order: RunOrder, report: (report: Report) => void) {
    this.#order = order
    this.#deadline = order.deadline
    this.#report = report
    const { command, args, env } = order
    this.#child = spawn(command, args, { env, stdio: 'inherit', detached: true })
    const { pid } = this.#child
    this.#child.on('exit', (code, signal) => this.#exited(code, signal))
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#group !== null) return
      report({ type: 'failed', code: error.code ?? '', message: error.message })
    })
    if (pid === undefined) return
    this.#group = new ProcessGroup(pid)
    report({ type: 'started', pid })
    this.#lookAgain()
  }

  extend(deadline: Deadline): void {
    this.#deadline = deadline
    this.#lookAgain()
  }

  end(timeoutMs: number): void {
    if (this.#status === null && !this.#wasTold) {
      this.#wasTold = true
      this.#tellToEnd(timeoutMs)
    } else this.#killAt = Math.min(this.#killAt, monotonicNow() + timeoutMs)
    this.#lookAgain()
  }

  #tellToEnd(timeoutMs: number): void {
    this.#killAt = Math.min(this.#killAt, monotonicNow() + timeoutMs)
    this.#group?.signal('SIGTERM')
    // What is stopped could not act on it.
    this.#group?.signal('SIGCONT')
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#status = { code, signal }
    // What was told already need not be told twice, and has as long as the command would have had.
    if (!this.#wasTold && this.#group?.isAlive) this.#tellToEnd(LEFTOVERS_WITHIN_MS)
    this.#lookAgain()
  }

  #lookAgain(): void {
    if (this.#look !== null) clearTimeout(this.#look)
    this.#look = null
    const group = this.#group
    if (group === null) return
    const { graceMs, marginMs } = this.#order
    const untilDeadlineMs = leftMs(this.#deadline)
    if (untilDeadlineMs <= graceMs && this.#status === null && !this.#wasTold) {
      this.end(untilDeadlineMs - marginMs)
      return
    }
    const untilKillMs = Math.min(this.#killAt - monotonicNow(), untilDeadlineMs - marginMs)
    if (untilKillMs <= 0) group.signal('SIGKILL')
    if (this.#status !== null && !group.isAlive) {
      this.#group = null
      this.#report({ type: 'over', ...this.#status, wasTold: this.#wasTold })
      return
    }
    const untilGraceMs = this.#wasTold ? LONGEST_LOOK_MS : untilDeadlineMs - graceMs
    const next = this.#status !== null ? 0 : Math.min(untilKillMs, untilGraceMs, LONGEST_LOOK_MS)
    this.#look = setTimeout(() => this.#lookAgain(), Math.max(next, SHORTEST_LOOK_MS))
  }
}

let run: Run | null = null

function take(order: Order): void {
  switch (order.type) {
    case 'run':
      // The order may have come late.
      if (leftMs(order.deadline) <= order.graceMs) {
        report({ type: 'over', code: null, signal: null, wasTold: true })
      } else run = new Run(order, report)
      return
    case 'extend':
      run?.extend(order.deadline)
      return
    case 'end':
      run?.end(order.timeoutMs)
  }
}

function report(message: Report): void {
  if (message.type !== 'started') run = null
  if (process.connected) process.send?.(message)
}

process.on('message', (message) => {
  if (isOrder(message)) take(message)
})
// `locked` is gone. The process ends by itself once the command has.
process.on('disconnect', () => run?.end(Number.POSITIVE_INFINITY))
// What is meant for `locked` may be sent to all processes of its name.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => run?.end(Number.POSITIVE_INFINITY))
}
