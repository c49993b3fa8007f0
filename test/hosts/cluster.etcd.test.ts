import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { locked } from '../../src/index.js'
import { RunningCommand } from '../cli/command.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { vacanciesOf } from '../etcd/vacancies.js'
import { assertBuilt } from '../package/built.js'
import { patiently } from '../patience.js'

/** In seconds; of a leader that is killed. */
const ttl = 3

let etcd: Etcd

beforeAll(async () => {
  assertBuilt()
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
})

test('of the workers of a cluster one leads; another does when that is killed, or is told to end', async () => {
  const path = `/cluster/${randomUUID()}`
  const locker = locked(etcd.endpoint)
  onTestFinished(() => locker.close())
  const script = fileURLToPath(new URL('cluster/app.mjs', import.meta.url))
  const app = new RunningCommand(process.execPath, [script, etcd.endpoint, path, String(ttl)])
  onTestFinished(() => app[Symbol.dispose]())
  await app.until('all of them', (output) =>
    pidsThat('joined', output).length === 3 ? true : null,
  )
  await patiently(async () => expect(await locker.candidates(path)).toHaveLength(3))

  const killed = leaders(app).at(-1) ?? 0
  process.kill(killed, 'SIGKILL')
  await app.until('another', (output) =>
    pidsThat('leads', output).at(-1) === killed ? null : true,
  )
  expect(app.output).toContain(`${killed} ended: SIGKILL`)
  await patiently(async () => expect(await locker.candidates(path)).toHaveLength(2))

  const vacancies = await vacanciesOf(etcd.endpoint, path)
  const told = leaders(app).at(-1) ?? 0
  process.kill(told, 'SIGTERM')
  await app.until('a third', (output) => (pidsThat('leads', output).at(-1) === told ? null : true))
  await app.untilMatch(new RegExp(`${told} ended: 0`))
  expect(await vacancies.untilNow()).toEqual([])

  app.kill('SIGTERM')
  expect(await app.exited).toBe(0)
  expect(app.stderr).toBe('')
  expect(new Set(leaders(app)).size).toBe(3)
})

function leaders(app: RunningCommand): readonly number[] {
  return pidsThat('leads', app.output)
}

function pidsThat(what: string, output: string): readonly number[] {
  return [...output.matchAll(/^(\d+) (.*)$/gm)]
    .filter(([, , told]) => told === what)
    .map(([, pid]) => Number(pid))
}
