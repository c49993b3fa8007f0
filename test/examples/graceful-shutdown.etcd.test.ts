import { expect, test } from 'vitest'
import { vacanciesOf } from '../etcd/vacancies.js'
import { now } from '../faults/now.js'
import { Starvation } from '../load/starvation.js'
import { complaintsOf, etcdForExample, runExample } from './example.js'

test('on SIGTERM the work ends, then the next leader begins, and the path is never vacant', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const vacancies = await vacanciesOf(ETCD_ENDPOINTS, '/graceful-shutdown')
  const a = runExample('graceful-shutdown/main.js', { ETCD_ENDPOINTS, UNIT_MS: '1000' })
  await a.untilMatch(/started as leader/)
  const b = runExample('graceful-shutdown/main.js', { ETCD_ENDPOINTS, UNIT_MS: '10' })
  await b.untilMatch(/started as follower/)

  const from = a.output.length
  await a.until('the begin of a unit', (output) => /unit \d+ begins\n$/.exec(output.slice(from)))
  const begun = said(a.output).at(-1)?.what.replace(' begins', '')
  using starvation = new Starvation()
  const toldAt = now()
  a.kill('SIGTERM')
  expect(await a.exited).toBe(0)
  const afterwards = said(a.output).slice(-4)
  expect(afterwards.map(({ what }) => what)).toEqual([
    'got SIGTERM',
    'no longer leads: stopped',
    `${begun} ends`,
    'has left',
  ])
  await b.untilMatch(/unit 1 begins/)
  const led = said(b.output).find(({ what }) => what === 'leads')
  const ended = afterwards[2]
  expect(led?.atMs).toBeGreaterThanOrEqual(ended?.atMs ?? Number.POSITIVE_INFINITY)
  // It did not have to wait for the lease of the first.
  const netMs = Number(led?.atMs) - Number(ended?.atMs) - starvation.between(toldAt, now())
  expect(netMs).toBeLessThan(2_000)
  expect(await vacancies.untilNow()).toEqual([])
  expect(b.output).not.toMatch(/nobody leads/)

  // Nobody waits any more.
  b.kill('SIGTERM')
  expect(await b.exited).toBe(0)
  expect(await vacancies.untilNow()).toEqual(['/graceful-shutdown'])
  expect(complaintsOf(a, b)).toBe('')
})

/** What the process has said, and when. */
function said(output: string) {
  return output
    .trim()
    .split('\n')
    .map((line) => ({ atMs: Number.parseInt(line, 10), what: line.replace(/^\d+ /, '') }))
}
