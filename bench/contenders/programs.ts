import { type ChildProcess, fork, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BuiltGo } from '../build-go.js'
import type { ContenderName } from './contender.js'

/** Starts a process that answers what bench/process.ts asks. */
export type Program = () => ChildProcess

const script = fileURLToPath(new URL('../worker.js', import.meta.url))

/** Those that can be measured here, in the order of the columns. */
export function programs({
  against,
  go,
}: {
  /** Whether `AGAINST` names another version. */
  readonly against: boolean
  readonly go: BuiltGo | null
}): ReadonlyMap<ContenderName, Program> {
  const found = new Map<ContenderName, Program>([['locked', inNode()]])
  if (against) found.set('before', inNode())
  found.set('etcd3', inNode())
  if (go !== null) {
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    found.set('go', () => spawn(go.binary, ['worker'], { stdio: [...stdio] }))
  }
  return found.set('floor', inNode())
}

function inNode(): Program {
  const execArgv = ['--expose-gc', '--max-old-space-size=4096']
  return () => fork(script, { execArgv })
}
