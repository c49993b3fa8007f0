import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { RunningCommand } from '../cli/command.js'
import { startEtcd } from '../etcd/index.js'
import { assertBuilt } from '../package/built.js'

/** Starts an etcd for one test, and resolves with what to put into an example's environment. */
export async function etcdForExample(): Promise<string> {
  assertBuilt()
  // The examples' paths are always the same.
  const etcd = await startEtcd({ own: true })
  onTestFinished(etcd.stop)
  return etcd.endpoint
}

/** Runs a file of `examples/`. Killed when the test ends. */
export function runExample(file: string, env: NodeJS.ProcessEnv): RunningCommand {
  const script = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))
  const command = new RunningCommand(process.execPath, [script], env)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

/** What an example says that is wrong. On a busy machine etcd may not answer in time: that it tells, and goes on. */
export function complaintsOf(...commands: readonly RunningCommand[]): string {
  const lines = commands.flatMap(({ stderr }) => stderr.split('\n'))
  return lines
    .filter((line) => !/^(unreachable|not shared out|not handed over): |^$/.test(line))
    .join('\n')
}
