/** What `locked elect` and its watchdog tell each other. */
import type { Deadline } from './deadline.js'

export interface RunOrder {
  readonly type: 'run'
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly deadline: Deadline
  /** So long before the deadline the command is told to end. */
  readonly graceMs: number
  /** So long before the deadline it is killed. */
  readonly marginMs: number
}

export type Order =
  | RunOrder
  /** The session was renewed. */
  | { readonly type: 'extend'; readonly deadline: Deadline }
  /** The command must end within that time, and in any case before the deadline. */
  | { readonly type: 'end'; readonly timeoutMs: number }

export type Report = { readonly type: 'started'; readonly pid: number } | Outcome

/** The command could not be executed. */
export interface Failure {
  readonly type: 'failed'
  /** The system's name for the reason, such as EACCES; empty if it has none. */
  readonly code: string
  readonly message: string
}

export type Outcome =
  | Failure
  /** Nothing of its process group runs any more. */
  | {
      readonly type: 'over'
      readonly code: number | null
      readonly signal: NodeJS.Signals | null
      /** Whether it was told to end, rather than ending by itself. */
      readonly wasTold: boolean
    }

/** Both ends are of the same package: only what is not a message of ours at all is told apart. */
export function isOrder(message: unknown): message is Order {
  return hasType(message, ['run', 'extend', 'end'])
}

export function isReport(message: unknown): message is Report {
  return hasType(message, ['started', 'failed', 'over'])
}

function hasType(message: unknown, types: readonly string[]): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    typeof message.type === 'string' &&
    types.includes(message.type)
  )
}
