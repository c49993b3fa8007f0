import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { RunningCommand } from '../cli/command.js'
import { etcdForExample } from './example.js'

const worker = fileURLToPath(
  new URL('../../examples/command-line-worker/worker.sh', import.meta.url),
)
const path = '/command-line-worker'

test('a worker that knows nothing of elections runs on one machine at a time', async () => {
  const endpoints = await etcdForExample()
  const a = elect(endpoints, 'a')
  const [, first] = await a.untilMatch(/worker a: leads \/command-line-worker with token (\d+)/)
  const b = elect(endpoints, 'b')
  await b.untilMatch(/is held by a/)
  expect(await holderOf(endpoints)).toBe('a')

  a.kill('SIGTERM')
  await a.untilMatch(/worker a: told to end/)
  await a.exited
  const [, second] = await b.untilMatch(/worker b: leads \/command-line-worker with token (\d+)/)
  expect(Number(second)).toBeGreaterThan(Number(first))
  await b.untilMatch(/worker b: works/)
  b.kill('SIGTERM')
  await b.exited
})

function elect(endpoints: string, id: string): RunningCommand {
  const options = ['--endpoints', endpoints, '--id', id, '--ttl', '5', '--restart']
  const command = RunningCommand.locked('elect', path, ...options, '--', 'sh', worker)
  onTestFinished(async () => {
    // Not by SIGKILL: it ends its worker.
    command.kill('SIGTERM')
    await command.exited
  })
  return command
}

async function holderOf(endpoints: string): Promise<string> {
  const get = RunningCommand.locked('get', path, '--endpoints', endpoints)
  expect(await get.exited).toBe(0)
  return get.stdout.trim()
}
