import type { Command } from 'commander'
import { errorFrom, RefusedError } from '../errors.js'
import { competitorsOf } from '../services/competitors.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import { answerWithin } from './answer-within.js'
import { checkPath } from './arguments.js'
import { tableOf } from './candidates/table.js'
import { addTimeoutOption, type TimeoutOptions, timeoutMsFrom } from './command-timeout.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  endpointsOf,
} from './connection.js'
import { EXIT } from './exit-codes.js'
import { oneLine } from './messages.js'
import { print } from './shown.js'

interface CandidatesOptions extends ConnectionOptions, TimeoutOptions {
  readonly json?: boolean
}

const HELP = `
Prints the holder, and then who waits, in the order in which they came:
     id    is         since  value
  1  db-2  holder     42     "10.0.0.2:5432"
  2  db-3  candidate  17     "10.0.0.3:5432"
  3  db-1  candidate  43     "10.0.0.1:5432"
A leader that stops hands over to the one that came last. Since when is a
revision of etcd: of the holder its token. With --json it is a list of
{"id","value","since","isHolder"}.
Who follows without permission to write below PATH/.candidates/ is not listed.

Exit codes:
  0  somebody holds the path, or waits for it
  1  nobody does
  2  the arguments are wrong, or a file that they name cannot be read
  3  etcd did not answer in time
  4  etcd refuses: wrong credentials, or no permission to read PATH or
     PATH/.candidates/

Examples:
  locked candidates /db/primary
  locked candidates /db/primary --json | jq -r '.[] | select(.isHolder) | .id'`

export function addCandidates(program: Command): void {
  const command = program
    .command('candidates')
    .description('Prints who competes for a path now.')
    .argument('<path>', 'the path', checkPath)
    .option(
      '--json',
      'print id, value, since and isHolder of each as JSON; [] when there is nobody',
    )
    .addHelpText('after', HELP)
    .action(runCandidates)
  addTimeoutOption(command)
  addConnectionOptions(command)
}

async function runCandidates(path: string, options: CandidatesOptions): Promise<void> {
  const timeoutMs = timeoutMsFrom(options)
  const store = new EtcdStore(endpointsOf(await connectionFrom(options)))
  try {
    const standing = await answerWithin(timeoutMs, `reading the candidates for ${path}`, (call) =>
      store.candidates.list(path, call),
    )
    const competitors = competitorsOf(standing)
    if (options.json) {
      const shown = competitors.map((one) => ({ ...one, since: Number(one.since) }))
      print(process.stdout, JSON.stringify(shown))
    } else if (competitors.length > 0) print(process.stdout, tableOf(competitors))
    process.exitCode = competitors.length === 0 ? EXIT.vacant : 0
  } catch (thrown) {
    print(process.stderr, `error: ${oneLine(errorFrom(thrown).message)}`)
    process.exitCode = thrown instanceof RefusedError ? EXIT.refused : EXIT.unreachable
  } finally {
    store.closeIdle()
  }
}
