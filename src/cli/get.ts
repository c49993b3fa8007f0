import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { errorFrom, RefusedError } from '../errors.js'
import { holderFrom } from '../record.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import type { Sighting, Store } from '../stores/store.js'
import { checkPath } from './arguments.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  endpointsOf,
} from './connection.js'
import { durationMs } from './duration.js'
import { EXIT } from './exit-codes.js'
import { shownHolder } from './holder.js'
import { oneLine } from './messages.js'
import { UsageError } from './usage-error.js'

const DEFAULT_TIMEOUT = '5s'
/** An attempt may take so long, so that a frozen connection leaves time for another. */
const ATTEMPT_WITHIN_MS = 2_000
const PAUSE_MS = 100

interface GetOptions extends ConnectionOptions {
  readonly json?: boolean
  readonly commandTimeout?: number
}

const HELP = `
Prints the holder's value: a string as it is, any other as JSON.

Exit codes:
  0  somebody holds the path
  1  the path is vacant
  2  the arguments are wrong, or a file that they name cannot be read
  3  etcd did not answer in time
  4  etcd refuses: wrong credentials, or no permission

Examples:
  psql -h "$(locked get /db/primary)"
  locked get /db/primary --json | jq -r .id`

export function addGet(program: Command): void {
  const command = program
    .command('get')
    .description('Prints who holds a path now.')
    .argument('<path>', 'the path', checkPath)
    .option('--json', 'print id, value and token as JSON; null when vacant')
    .option(
      '--command-timeout <duration>',
      `how long it may take (default: ${DEFAULT_TIMEOUT}, env: ETCDCTL_COMMAND_TIMEOUT)`,
      parseDuration,
    )
    .addHelpText('after', HELP)
    .action(runGet)
  addConnectionOptions(command)
}

async function runGet(path: string, options: GetOptions): Promise<void> {
  const timeoutMs = options.commandTimeout ?? timeoutFrom(process.env)
  const store = new EtcdStore(endpointsOf(await connectionFrom(options)))
  try {
    const { entry } = await readWithin(store, path, timeoutMs)
    const holder = entry && shownHolder(holderFrom(entry))
    if (options.json) print(JSON.stringify(holder))
    else if (holder !== null) {
      print(typeof holder.value === 'string' ? holder.value : JSON.stringify(holder.value))
    }
    process.exitCode = holder === null ? EXIT.vacant : 0
  } catch (thrown) {
    console.error(`error: ${oneLine(errorFrom(thrown).message)}`)
    process.exitCode = thrown instanceof RefusedError ? EXIT.refused : EXIT.unreachable
  } finally {
    store.closeIdle()
  }
}

/** Tries until it is answered, refused, or too late. */
async function readWithin(store: Store, path: string, timeoutMs: number): Promise<Sighting> {
  const until = performance.now() + timeoutMs
  const tooLate = new AbortController()
  const timer = setTimeout(() => tooLate.abort(), timeoutMs)
  let last: unknown
  try {
    return await Promise.race([
      (async () => {
        for (;;) {
          try {
            const leftMs = Math.max(1, until - performance.now())
            return await store.read(path, { timeoutMs: Math.min(leftMs, ATTEMPT_WITHIN_MS) })
          } catch (thrown) {
            if (thrown instanceof RefusedError || tooLate.signal.aborted) throw thrown
            last = thrown
            await delay(PAUSE_MS, undefined, { signal: tooLate.signal })
          }
        }
      })(),
      new Promise<never>((_resolve, reject) => {
        tooLate.signal.addEventListener('abort', () =>
          reject(last ?? new Error(`reading ${path}: no answer within ${timeoutMs} ms`)),
        )
      }),
    ])
  } finally {
    clearTimeout(timer)
    tooLate.abort()
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function timeoutFrom(env: NodeJS.ProcessEnv): number {
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
