import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { DeniedError, locked } from '../index.js'
import { checkNotEmpty, checkPath, parseTtl } from './arguments.js'
import { addConnectionOptions, type ConnectionOptions, connectionFrom } from './connection.js'
import { Candidate } from './elect/candidate.js'
import { exitCodeOfSignal } from './elect/exit-code.js'
import { EXIT } from './exit-codes.js'
import { oneLine, Reachability, sayer } from './messages.js'
import { print } from './shown.js'
import { UsageError } from './usage-error.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** How long the hand-over or the release may take after the command has ended, in milliseconds. */
const RELEASE_WITHIN_MS = 3_000
/** How long the process may go on after that, in milliseconds. */
const EXIT_WITHIN_MS = 500

/** What a node hears only from a store that answers. */
const ANSWERS = ['won', 'held', 'changed', 'vacated', 'renewed', 'proposed']

interface ElectOptions extends ConnectionOptions {
  readonly value?: string
  readonly ttl: number
  readonly id?: string
  readonly once?: boolean
  readonly restart?: boolean
  readonly quiet?: boolean
}

const HELP = `
COMMAND gets LOCKED_PATH, LOCKED_ID, LOCKED_VALUE and LOCKED_TOKEN in its
environment. When leadership is lost, or about to be, its whole process group
gets SIGTERM, and SIGKILL in time to be gone before another can lead. When it
ends by itself, leadership ends with it. SIGTERM, SIGINT or SIGHUP to locked end
COMMAND first, and only then hand over to whoever waits, or release PATH where
nobody does.

Exit codes:
  COMMAND's own, or 128 and the number of the signal that ended it
  2    the arguments are wrong, or a file that they name cannot be read
  4    etcd refuses: wrong credentials, or no permission
  5    leadership was lost (--once)
  126  COMMAND cannot be executed, or not watched over
  127  there is no such command
  128 and the signal's number when locked is told to end while COMMAND does not
  run

Examples:
  locked elect /jobs/cleanup -- ./cleanup.sh
  locked elect /db/primary --value "$HOSTNAME:5432" --restart -- ./primary`

export function addElect(program: Command): void {
  const command = program
    .command('elect')
    .description('Runs a command only while this process leads.')
    .usage('[options] <path> -- <command...>')
    .argument('<path>', 'the path that is competed for', checkPath)
    .argument('<command...>', 'what to run, after --')
    .option('--value <text>', 'the value of the path while this process leads (default: its id)')
    .option('--ttl <seconds>', 'how long the lease of a process that has gone lasts', parseTtl, 10)
    .option(
      '--id <id>',
      'names this process to the others (default: made of host and pid)',
      checkNotEmpty,
    )
    .option('--once', 'exit when leadership is lost, rather than stand for election again')
    .option('--restart', 'run the command again when it ends by itself, while still leader')
    .option('-q, --quiet', 'say nothing on standard error')
    .addHelpText('after', HELP)
    .action(runElect)
  addConnectionOptions(command)
}

async function runElect(
  path: string,
  [command = '', ...args]: readonly string[],
  options: ElectOptions,
): Promise<void> {
  if (process.platform === 'win32') {
    throw new UsageError('elect: Windows has no process groups; use the package `locked` instead')
  }
  if (!mayStartProcesses()) {
    print(
      process.stderr,
      'error: elect: Node.js runs with its permission model, and may not start COMMAND; give it --allow-child-process as well',
    )
    process.exitCode = EXIT.notExecutable
    return
  }
  const {
    id = `${hostname()}-${process.pid}`,
    value = id,
    ttl,
    once = false,
    restart = false,
  } = options
  const connection = await connectionFrom(options)
  const say = sayer(options.quiet ?? false)
  const reachability = new Reachability(say)
  const locker = locked(connection.hosts, {
    ...connection.options,
    inspect(inspected) {
      if (inspected.type === '@xstate.event' && ANSWERS.includes(inspected.event.type)) {
        reachability.recovered()
      }
    },
  })
  const node = locker(path, { id, value, ttl })
  let hasTakenPart = false
  for (const told of ['select', 'change'] as const) {
    node.once(told, () => {
      hasTakenPart = true
    })
  }
  const refused = new Promise<number>((resolve) => {
    const refuse = (error: Error) => {
      // Not for the quiet: it is why the process ends.
      print(process.stderr, `error: ${oneLine(error.message)}`)
      resolve(EXIT.refused)
    }
    node.on('error', refuse)
    node.on('unreachable', (error) => {
      // Who types a command is told at once; one that has run for long outlives an operator’s mistake.
      if (error instanceof DeniedError && !hasTakenPart) {
        node.removeAllListeners('unreachable')
        refuse(error)
      } else reachability.retrying(error)
    })
  })
  node.on('change', (_value, holder) => {
    if (!node.isLeader) say(`${oneLine(path)} is held by ${oneLine(holder ?? 'something else')}`)
  })
  node.on('deselect', (reason) => say(`no longer leads ${oneLine(path)}: ${reason}`))

  const candidate = new Candidate(node, { id, value, command, args, once, restart }, say)
  const signalled = signalReceived()
  candidate.start()
  const exitCode = await Promise.race([candidate.finished, refused, signalled])
  const isSignalled = (await Promise.race([signalled, Promise.resolve(null)])) !== null
  const timeoutMs = node.validityMs + RELEASE_WITHIN_MS
  await Promise.race([candidate.stop(), delay(timeoutMs, undefined, { ref: false })])
  process.exitCode = isSignalled ? (candidate.exitCode ?? exitCode) : exitCode
  // Requests that nobody will answer do not keep the process.
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

/** `false` where Node.js was started so that it may not. Its types do not know of `permission` before Node.js 20 had it for long. */
function mayStartProcesses(): boolean {
  const { permission }: { readonly permission?: { has(scope: string): boolean } } = process
  return permission?.has('child') ?? true
}

/** Resolves with the exit code that belongs to the first signal to end. Further ones change nothing. */
function signalReceived(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve(exitCodeOfSignal(signal)))
  })
}
