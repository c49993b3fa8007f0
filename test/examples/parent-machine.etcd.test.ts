import { expect, test } from 'vitest'
import { complaintsOf, etcdForExample, runExample } from './example.js'

test('a machine that invokes the election works while that child leads', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const a = runExample('parent-machine/main.js', { ETCD_ENDPOINTS, HOST: 'a' })
  await a.untilMatch(/is importing/)
  const b = runExample('parent-machine/main.js', { ETCD_ENDPOINTS, HOST: 'b' })
  await b.untilMatch(/is waiting/)

  // Told to close in the middle of a batch, it ends it first.
  const from = a.output.length
  await a.until('the begin of a batch', (output) =>
    /a batch begins, with token \d+\n$/.exec(output.slice(from)),
  )
  a.kill('SIGTERM')
  expect(await a.exited).toBe(0)
  expect(a.output.trim().split('\n').slice(-3)).toEqual([
    'the batch ends',
    'is closing',
    'is closed',
  ])
  await b.untilMatch(/is importing/)

  const c = runExample('parent-machine/main.js', { ETCD_ENDPOINTS, HOST: 'c' })
  await c.untilMatch(/is waiting/)
  b.kill('SIGSTOP')
  const [, later] = await c.untilMatch(/a batch begins, with token (\d+)/)
  const before = b.output.length
  b.kill('SIGCONT')
  await b.until('the loss', (output) => /is waiting/.exec(output.slice(before)))
  const [, earlier] = await b.untilMatch(/a batch begins, with token (\d+)/)
  expect(Number(later)).toBeGreaterThan(Number(earlier))

  // One that follows has nothing to end.
  b.kill('SIGTERM')
  expect(await b.exited).toBe(0)
  c.kill('SIGTERM')
  expect(await c.exited).toBe(0)
  expect(complaintsOf(a, b, c)).toBe('')
})
