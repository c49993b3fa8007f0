import type { Command } from 'commander'
import { errorFrom, RefusedError } from '../errors.js'
import { holderFrom } from '../record.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import { answerWithin } from './answer-within.js'
import { checkPath } from './arguments.js'
import { addTimeoutOption, type TimeoutOptions, timeoutMsFrom } from './command-timeout.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  endpointsOf,
} from './connection.js'
import { EXIT } from './exit-codes.js'
import { shownHolder } from './holder.js'
import { oneLine } from './messages.js'
import { print } from './shown.js'

interface GetOptions extends ConnectionOptions, TimeoutOptions {
  readonly json?: boolean
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
    .addHelpText('after', HELP)
    .action(runGet)
  addTimeoutOption(command)
  addConnectionOptions(command)
}

async function runGet(path: string, options: GetOptions): Promise<void> {
  const timeoutMs = timeoutMsFrom(options)
  const store = new EtcdStore(endpointsOf(await connectionFrom(options)))
  try {
    const { entry } = await answerWithin(timeoutMs, `reading ${path}`, (call) =>
      store.read(path, call),
    )
    const holder = entry && shownHolder(holderFrom(entry))
    if (options.json) print(process.stdout, JSON.stringify(holder))
    else if (holder !== null) {
      const { value } = holder
      print(process.stdout, typeof value === 'string' ? value : JSON.stringify(value))
    }
    process.exitCode = holder === null ? EXIT.vacant : 0
  } catch (thrown) {
    print(process.stderr, `error: ${oneLine(errorFrom(thrown).message)}`)
    process.exitCode = thrown instanceof RefusedError ? EXIT.refused : EXIT.unreachable
  } finally {
    store.closeIdle()
  }
}
