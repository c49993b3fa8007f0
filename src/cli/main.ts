#!/usr/bin/env node
/** The command `locked`. Each of its commands is a file beside this one. */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addDemo } from './demo.js'

const USAGE_ERROR = 2

const { version }: { version: string } = createRequire(import.meta.url)('locked/package.json')

const program = new Command('locked')
  .description('Leader election on etcd: one leader, known to all.')
  .version(version)
  .exitOverride()
addDemo(program)

try {
  await program.parseAsync()
} catch (thrown) {
  // Commander has printed what it throws.
  if (!(thrown instanceof CommanderError)) throw thrown
  process.exitCode = thrown.exitCode === 0 ? 0 : USAGE_ERROR
}
