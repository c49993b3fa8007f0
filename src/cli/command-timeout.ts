import { type Command, InvalidArgumentError } from 'commander'
import { durationMs } from './duration.js'
import { UsageError } from './usage-error.js'

const DEFAULT_TIMEOUT = '5s'

/** The option that `addTimeoutOption` adds, as commander gives it. */
export interface TimeoutOptions {
  /** In milliseconds. */
  readonly commandTimeout?: number
}

/** Adds the option for how long a command may take, by etcdctl's name. */
export function addTimeoutOption(command: Command): Command {
  return command.option(
    '--command-timeout <duration>',
    `how long it may take (default: ${DEFAULT_TIMEOUT}, env: ETCDCTL_COMMAND_TIMEOUT)`,
    parseDuration,
  )
}

/**
 * How long the command may take, in milliseconds. The option wins over the environment.
 *
 * @throws UsageError when what the environment says is no duration.
 */
export function timeoutMsFrom({ commandTimeout }: TimeoutOptions, env = process.env): number {
  if (commandTimeout !== undefined) return commandTimeout
  const text = env.ETCDCTL_COMMAND_TIMEOUT || DEFAULT_TIMEOUT
  const ms = durationMs(text)
  if (!ms) throw new UsageError(`ETCDCTL_COMMAND_TIMEOUT: ${text} is not a duration, such as 5s`)
  return ms
}

function parseDuration(given: string): number {
  const ms = durationMs(given)
  if (!ms) throw new InvalidArgumentError('Expected a duration above 0, such as 5s or 500ms.')
  return ms
}
