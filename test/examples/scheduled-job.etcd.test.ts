import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { expect, onTestFinished, test } from 'vitest'
import { complaintsOf, etcdForExample, runExample } from './example.js'

test('one runs the job; one that was stopped and goes on is refused by the fence', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const folder = mkdtempSync(join(tmpdir(), 'locked-example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const DATABASE = join(folder, 'ledger.db')
  const env = { ETCD_ENDPOINTS, DATABASE, EVERY_MS: '10' }

  const a = runExample('scheduled-job/main.js', { ...env, HOST: 'a' })
  await a.untilMatch(/the job is done/)
  const b = runExample('scheduled-job/main.js', { ...env, HOST: 'b' })
  await b.untilMatch(/started; a leads/)

  // Stopped in the middle of a run: it writes its result as soon as it can.
  const from = a.output.length
  await a.until('the begin of a run', (output) => /the job begins\n$/.exec(output.slice(from)))
  a.kill('SIGSTOP')
  await b.untilMatch(/the job is done/)
  a.kill('SIGCONT')
  await a.untilMatch(/refused: token \d+ of a is stale/)
  await a.untilMatch(/no longer leads: expired/)
  expect(b.output).not.toContain('refused')

  b.kill('SIGTERM')
  expect(await b.exited).toBe(0)
  await a.untilMatch(/refused.*leads with token \d+.*the job is done/s)
  a.kill('SIGTERM')
  expect(await a.exited).toBe(0)
  expect(complaintsOf(a, b)).toBe('')

  const database = new Database(DATABASE)
  onTestFinished(() => {
    database.close()
  })
  const hosts = database.prepare('SELECT host, token FROM runs ORDER BY rowid').raw().all()
  const reigns = new Set(hosts.map((row) => String(row)))
  // Never a run of an earlier reign after one of a later. On a busy machine there may be more reigns.
  expect([...reigns].map((reign) => reign.split(',')[0]).join()).toMatch(/^a,(.*,)?b,(.*,)?a$/)
  const tokens = [...reigns].map((reign) => Number(reign.split(',')[1]))
  expect(tokens).toEqual(tokens.toSorted((x, y) => x - y))
})
