#!/usr/bin/env node
/** The command `locked`. Each of its commands is a file beside this one. */
import { createRequire } from 'node:module'
import { format, inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { addCandidates } from './candidates.js'
import { addDashboard } from './dashboard.js'
import { addDemo } from './demo.js'
import { addElect } from './elect.js'
import { EXIT } from './exit-codes.js'
import { addGet } from './get.js'
import { addObserve } from './observe.js'
import { print, write } from './shown.js'
import { addTransfer } from './transfer.js'
import { UsageError } from './usage-error.js'

const { version }: { version: string } = createRequire(import.meta.url)('locked/package.json')

// They are for programmers: gRPC’s use of TLS with an IP address, say.
process.noDeprecation = true

// Nobody may be reading any more; that must not end a command.
process.stderr.on('error', () => undefined)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  print(process.stderr, `error: standard output: ${error.message}`)
  process.exitCode = EXIT.crashed
})
// Dependencies complain of what servers send, gRPC of metadata that is none.
console.error = (...values) => print(process.stderr, format(...values))
// Node.js would print it as it is.
process.on('uncaughtException', (error) => {
  print(process.stderr, inspect(error))
  process.exit(EXIT.crashed)
})

const program = new Command('locked')
  .description('Leader election on etcd: one leader, known to all.')
  .version(version)
  .exitOverride()
  .configureHelp({
    // As its own help says it: Commander leaves out what stands before a command that is run.
    subcommandTerm: (command) => `${command.name()} ${command.usage()}`.trim(),
    minWidthToWrap: 30,
  })
  .configureOutput({
    writeOut: (text) => write(process.stdout, text),
    writeErr: (text) => write(process.stderr, text),
  })
addElect(program)
addObserve(program)
addGet(program)
addCandidates(program)
addTransfer(program)
addDemo(program)
addDashboard(program)

try {
  await program.parseAsync()
} catch (thrown) {
  if (thrown instanceof UsageError) {
    print(process.stderr, `error: ${thrown.message}`)
    process.exitCode = EXIT.usage
  } else if (thrown instanceof CommanderError) {
    // Commander has printed what it throws.
    process.exitCode = thrown.exitCode === 0 ? 0 : EXIT.usage
  } else throw thrown
}
