import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { errorFrom } from '../../errors.js'
import { type Deadline, deadlineOf, leftMs } from './deadline.js'
import { isReport, type Order, type Outcome, type Report, type RunOrder } from './messages.js'
import { ProcessGroup } from './process-group.js'

const WATCHDOG = fileURLToPath(new URL('./watchdog.js', import.meta.url))
/** It does next to nothing: as little memory as Node.js can do with. */
const NODE_ARGUMENTS = ['--max-old-space-size=16', '--max-semi-space-size=1']
const LOOK_MS = 100
const URGENT_LOOK_MS = 10

/** What is to be run, and by whom it may be: leadership that is valid for so long. */
export interface Task {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly leadership: { readonly validityMs: number }
  readonly graceMs: number
  readonly marginMs: number
}

/** Who should have watched over the command could not, or was killed, or was late; nothing of it runs any more. */
export interface Unwatched {
  readonly type: 'unwatched'
  readonly message: string
}

/**
 * Runs one command at a time, by way of a watchdog. Should that fail to do its part (somebody has
 * killed or stopped it), the command is killed from here, also before validity ends.
 */
export class Runner {
  #watchdog: ChildProcess | null = null
  #running: Running | null = null
  /** Why the last watchdog is none any more. */
  #failure = ''

  /** Starts the watchdog, so that no time is lost with it after an election. Should that fail, `run` tells. */
  prepare(): void {
    if (this.#watchdog !== null) return
    try {
      this.#watchdog = this.#fork()
    } catch (thrown) {
      this.#failure = errorFrom(thrown).message
    }
  }

  #fork(): ChildProcess {
    const env = { ...process.env }
    // These are for the command's Node.js, if for any.
    delete env.NODE_OPTIONS
    const watchdog = fork(WATCHDOG, [], {
      detached: true,
      env,
      execArgv: NODE_ARGUMENTS,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    watchdog.on('message', (message) => {
      if (isReport(message)) this.#running?.heard(message)
    })
    const gone = (why: string) => {
      if (this.#watchdog !== watchdog) return
      this.#watchdog = null
      // It may only have closed the channel.
      watchdog.kill('SIGKILL')
      this.#running?.takeOver(why)
    }
    watchdog.on('error', (error) => gone(error.message))
    // Comes after the last message, which the end of the process need not.
    watchdog.on('disconnect', () => gone('it has ended'))
    return watchdog
  }

  /** Runs a command. Resolves once nothing of it runs any more; never rejects. */
  async run(task: Task): Promise<Outcome | Unwatched> {
    this.prepare()
    if (this.#watchdog === null) return { type: 'unwatched', message: this.#failure }
    const { command, args, env, graceMs, marginMs } = task
    const deadline = deadlineOf(task.leadership)
    const order: RunOrder = { type: 'run', command, args, env, deadline, graceMs, marginMs }
    const running = new Running(order, () => this.#abandonWatchdog())
    this.#running = running
    this.#send(order)
    const outcome = await running.outcome
    this.#running = null
    return outcome
  }

  /** Leadership was renewed. */
  extend(leadership: { readonly validityMs: number }): void {
    if (this.#running === null) return
    const deadline = deadlineOf(leadership)
    this.#running.deadline = deadline
    this.#send({ type: 'extend', deadline })
  }

  /** The command must end within that time, and in any case before validity does. */
  end(timeoutMs: number): void {
    this.#send({ type: 'end', timeoutMs })
  }

  /** Kills what is still running, and ends the watchdog. Resolves once nothing runs any more. */
  async close(): Promise<void> {
    const running = this.#running
    if (running !== null) {
      running.takeOver('locked ends')
      await running.outcome
    }
    const watchdog = this.#watchdog
    this.#watchdog = null
    if (watchdog?.connected) watchdog.disconnect()
  }

  #send(order: Order): void {
    // If it cannot be sent, the watchdog is gone, which is told by itself.
    if (this.#watchdog?.connected) this.#watchdog.send(order, () => undefined)
  }

  #abandonWatchdog(): void {
    const watchdog = this.#watchdog
    this.#watchdog = null
    watchdog?.kill('SIGKILL')
  }
}

/** A command that was ordered, as it is seen from here. */
class Running {
  readonly outcome: Promise<Outcome | Unwatched>
  deadline: Deadline
  readonly #marginMs: number
  readonly #abandonWatchdog: () => void
  #resolve: (outcome: Outcome | Unwatched) => void = () => undefined
  #group: ProcessGroup | null = null
  #isLate = false
  /** Why it was taken over, if it was. */
  #whyTakenOver: string | null = null
  #look: NodeJS.Timeout

  constructor({ deadline, marginMs }: RunOrder, abandonWatchdog: () => void) {
    this.deadline = deadline
    this.#marginMs = marginMs
    this.#abandonWatchdog = abandonWatchdog
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#look = setTimeout(() => this.#lookAgain(), LOOK_MS)
  }

  heard(report: Report): void {
    if (report.type === 'started') this.#group = new ProcessGroup(report.pid)
    else this.#over(report)
  }

  /** The watchdog is gone, or has not done its part in time. */
  takeOver(why: string): void {
    if (this.#whyTakenOver !== null) return
    this.#whyTakenOver = why
    this.#abandonWatchdog()
    this.#lookAgain()
  }

  #lookAgain(): void {
    clearTimeout(this.#look)
    if (this.#whyTakenOver !== null) {
      this.#group?.signal('SIGKILL')
      if (!this.#group?.isAlive) {
        this.#over({ type: 'unwatched', message: this.#whyTakenOver })
        return
      }
    } else if (this.#isLate) {
      this.takeOver('it was late')
      return
    } else {
      // If this process was stopped, what the watchdog has told meanwhile is heard first.
      this.#isLate = leftMs(this.deadline) <= this.#marginMs / 2
    }
    const isUrgent = this.#isLate || this.#whyTakenOver !== null
    const untilLateMs = leftMs(this.deadline) - this.#marginMs / 2
    const nextMs = isUrgent ? URGENT_LOOK_MS : Math.min(Math.max(untilLateMs, 1), LOOK_MS)
    this.#look = setTimeout(() => this.#lookAgain(), nextMs)
  }

  #over(outcome: Outcome | Unwatched): void {
    clearTimeout(this.#look)
    this.#resolve(outcome)
  }
}
