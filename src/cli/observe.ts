import type { Command } from 'commander'
import { DeniedError, type LockedObserver, locked, type NodeHolder } from '../index.js'
import { checkPrefix, collectPaths } from './arguments.js'
import { addConnectionOptions, type ConnectionOptions, connectionFrom } from './connection.js'
import { EXIT } from './exit-codes.js'
import { shownHolder } from './holder.js'
import { oneLine, Reachability, sayer } from './messages.js'
import { jsonLine, textLine } from './observe/lines.js'
import { aborted, quitOnSignals } from './quit.js'
import { print } from './shown.js'
import { UsageError } from './usage-error.js'

interface ObserveOptions extends ConnectionOptions {
  readonly prefix?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const HELP = `
Prints who holds each path now, and then a line for each change:
  2030-01-01T12:00:00.000Z /db/primary id=db-2 value="10.0.0.2:5432" token=42
  2030-01-01T12:00:09.000Z /db/primary vacant
With --json each line is {"time","path","holder"}; the holder is
{"id","value","token"}, or null. It takes no part in the election. When etcd
cannot be reached it says so, waits, and goes on.

Exit codes:
  0  it was told to end
  2  the arguments are wrong, or a file that they name cannot be read
  4  etcd refuses: wrong credentials, or no permission

Examples:
  locked observe /db/primary /jobs/cleanup
  locked observe --prefix /db/ --json | jq -c .holder`

export function addObserve(program: Command): void {
  const command = program
    .command('observe')
    .description('Prints who holds paths, and each change.')
    .argument('[path...]', 'the paths', collectPaths)
    .option(
      '--prefix <prefix>',
      'all paths that begin so, rather than paths; empty for all',
      checkPrefix,
    )
    .option('--json', 'print lines of JSON')
    .option('-q, --quiet', 'say nothing on standard error')
    .addHelpText('after', HELP)
    .action(runObserve)
  addConnectionOptions(command)
}

async function runObserve(
  paths: readonly string[],
  { prefix, json = false, quiet = false, ...options }: ObserveOptions,
): Promise<void> {
  if (paths.length > 0 === (prefix !== undefined)) {
    throw new UsageError('observe: expected either paths or --prefix')
  }
  const connection = await connectionFrom(options)
  const reachability = new Reachability(sayer(quiet))
  const quit = new AbortController()
  const unsubscribe = quitOnSignals(quit)
  const locker = locked(connection.hosts, connection.options)
  const observers =
    prefix === undefined
      ? [...new Set(paths)].map((path) => locker.observe(path))
      : [locker.observe(prefix, { prefix: true })]
  const format = json ? jsonLine : textLine
  const printHolder = (path: string, holder: NodeHolder | null) => {
    print(process.stdout, format(new Date().toISOString(), path, holder && shownHolder(holder)))
  }
  const refuse = (error: Error) => {
    // What refuses one path may refuse them all.
    if (quit.signal.aborted) return
    print(process.stderr, `error: ${oneLine(error.message)}`)
    process.exitCode = EXIT.refused
    quit.abort()
  }
  const outOfReach = new Set<LockedObserver>()
  for (const observer of observers) {
    observer.on('change', printHolder)
    observer.on('vacant', (path) => printHolder(path, null))
    let isKnown = false
    observer.on('unreachable', (error) => {
      // Who types a command is told at once; one that has run for long outlives an operator’s mistake.
      if (error instanceof DeniedError && !isKnown) {
        refuse(error)
        return
      }
      outOfReach.add(observer)
      reachability.retrying(error)
    })
    observer.on('known', () => {
      isKnown = true
      outOfReach.delete(observer)
      if (outOfReach.size === 0) reachability.recovered()
    })
    observer.on('error', refuse)
  }
  await aborted(quit.signal)
  await locker.close()
  unsubscribe()
}
