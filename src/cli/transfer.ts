import type { Command } from 'commander'
import { errorFrom, NoCandidateError, RefusedError } from '../errors.js'
import { askTransfer } from '../services/ask-transfer.js'
import { EtcdStore } from '../stores/etcd/etcd-store.js'
import { checkPath } from './arguments.js'
import { addTimeoutOption, type TimeoutOptions, timeoutMsFrom } from './command-timeout.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  connectionFrom,
  endpointsOf,
} from './connection.js'
import { EXIT } from './exit-codes.js'
import { oneLine, word } from './messages.js'
import { print } from './shown.js'

interface TransferOptions extends ConnectionOptions, TimeoutOptions {
  readonly to?: string
}

const HELP = `
Has the leader hand over to a candidate: to the one with the id of --to, or to
the one that came last. The leader ends its work first, and goes on as a
candidate. Prints who leads then. It is asked by a key below PATH/.candidates/,
which has to be writable, and only its own process acts on that: nothing is
taken from it.

Exit codes:
  0  another leads
  1  nobody leads, or nobody waits who could be meant
  2  the arguments are wrong, or a file that they name cannot be read
  3  etcd did not answer, or the leader has not handed over, in time
  4  etcd refuses: wrong credentials, or no permission to read PATH or to write
     below PATH/.candidates/

Examples:
  locked transfer /db/primary
  locked transfer /db/primary --to db-2 --command-timeout 60s`

export function addTransfer(program: Command): void {
  const command = program
    .command('transfer')
    .description('Has the leader of a path hand over to a candidate.')
    .argument('<path>', 'the path', checkPath)
    .option('--to <id>', 'the id of the candidate (default: the one that came last)')
    .addHelpText('after', HELP)
    .action(runTransfer)
  addTimeoutOption(command)
  addConnectionOptions(command)
}

async function runTransfer(path: string, options: TransferOptions): Promise<void> {
  const timeoutMs = timeoutMsFrom(options)
  const store = new EtcdStore(endpointsOf(await connectionFrom(options)))
  try {
    const { id, since } = await askTransfer(store, path, options.to ?? null, timeoutMs)
    print(process.stdout, `${word(id ?? '')} leads ${word(path)}, with token ${since}`)
  } catch (thrown) {
    print(process.stderr, `error: ${oneLine(errorFrom(thrown).message)}`)
    process.exitCode = exitCodeFor(thrown)
  } finally {
    store.closeIdle()
  }
}

function exitCodeFor(thrown: unknown): number {
  if (thrown instanceof NoCandidateError) return EXIT.vacant
  return thrown instanceof RefusedError ? EXIT.refused : EXIT.unreachable
}
