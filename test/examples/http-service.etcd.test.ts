import { expect, test } from 'vitest'
import { complaintsOf, etcdForExample, runExample } from './example.js'

test('the health endpoints tell leader from follower, and followers redirect to the leader', async () => {
  const ETCD_ENDPOINTS = await etcdForExample()
  const a = await listen(ETCD_ENDPOINTS)
  expect(await get(`${a.url}/health`)).toEqual([
    200,
    { role: 'leader', state: 'leader', leader: a.url },
  ])
  const b = await listen(ETCD_ENDPOINTS)
  expect(await get(`${b.url}/health`)).toEqual([
    200,
    { role: 'follower', state: 'follower', leader: a.url },
  ])
  expect(await get(`${a.url}/health/leader`)).toEqual([200, { role: 'leader' }])
  expect(await get(`${b.url}/health/leader`)).toEqual([503, { role: 'follower' }])

  const first = await fetch(`${b.url}/count`, { method: 'POST' })
  expect(first.url).toBe(`${a.url}/count`)
  expect(await first.json()).toEqual({ counter: 1 })

  a.process.kill('SIGTERM')
  expect(await a.process.exited).toBe(0)
  await expect.poll(() => get(`${b.url}/health/leader`)).toEqual([200, { role: 'leader' }])
  const second = await fetch(`${b.url}/count`, { method: 'POST' })
  expect(second.redirected).toBe(false)
  b.process.kill('SIGTERM')
  expect(await b.process.exited).toBe(0)
  expect(complaintsOf(a.process, b.process)).toBe('')
})

async function listen(ETCD_ENDPOINTS: string) {
  const process = runExample('http-service/main.js', { ETCD_ENDPOINTS, PORT: '0' })
  const [, url] = await process.untilMatch(/listens at (\S+)/)
  return { process, url }
}

async function get(url: string): Promise<[number, unknown]> {
  const response = await fetch(url)
  return [response.status, await response.json()]
}
