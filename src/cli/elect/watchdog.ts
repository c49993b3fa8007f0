/**
 * The process between `locked elect` and its command. It outlives `locked`, whatever happens to that:
 * killed, stopped or hanging, the command gets its signals in time, because this process knows when
 * validity ends unless it is told of a renewal.
 *
 * It is the command's parent, so that there is no moment at which the command runs and nobody
 * watches. Should it be killed itself, a reaper kills the command. It holds no connection, and loads
 * next to nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Deadline, leftMs, monotonicNow } from './deadline.js'
import { failureOf } from './failure.js'
import { isOrder, type Order, type Report, type RunOrder } from './messages.js'
import { ProcessGroup } from './process-group.js'
import { Reaper } from './reaper.js'

/** What a command leaves behind in its group may take so long to end. */
const LEFTOVERS_WITHIN_MS = 1_000
/** The wall clock may jump, and the machine be suspended: so often the deadline is looked at. */
const LONGEST_LOOK_MS = 200
/** How often it is looked whether anything of an ended group is left. */
const SHORTEST_LOOK_MS = 10

class Run {
  readonly #order: RunOrder
  readonly #report: (report: Report) => void
  #deadline: Deadline
  #group: ProcessGroup | null = null
  #status: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null
  #wasTold = false
  /** On the monotonic clock; infinite until it is told to end. */
  #killAt = Number.POSITIVE_INFINITY
  #look: NodeJS.Timeout | null = null

  /** @param command The process that leads the command's group, just spawned. */
  constructor(order: RunOrder, command: ChildProcess, report: (report: Report) => void) {
    this.#order = order
    this.#deadline = order.deadline
    this.#report = report
    const { pid } = command
    command.on('exit', (code, signal) => this.#exited(code, signal))
    command.on('error', (error) => {
      if (this.#group === null) report(failureOf(error))
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

const reaper = new Reaper()
let run: Run | null = null

function take(order: Order): void {
  switch (order.type) {
    case 'run':
      begin(order)
      return
    case 'extend':
      run?.extend(order.deadline)
      return
    case 'end':
      run?.end(order.timeoutMs)
  }
}

function begin(order: RunOrder): void {
  // The order may have come late.
  if (leftMs(order.deadline) <= order.graceMs) {
    report({ type: 'over', code: null, signal: null, wasTold: true })
    return
  }
  const { command, args, env } = order
  let child: ChildProcess
  try {
    child = spawn(command, args, { env, stdio: 'inherit', detached: true })
  } catch (thrown) {
    // Of most reasons the system can have: only of a few is there an event.
    report(failureOf(thrown))
    return
  }
  run = new Run(order, child, report)
}

function report(message: Report): void {
  if (message.type === 'started') reaper.takeCharge(message.pid)
  else {
    run = null
    reaper.release()
  }
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
