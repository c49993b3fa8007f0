import { expect, test } from 'vitest'
import type { Endpoint } from '../../../../src/stores/etcd/connection/endpoint.js'
import { race } from '../../../../src/stores/etcd/connection/race.js'
import { collector } from '../../../load/collector.js'

const unreachable: Endpoint = {
  name: 'nobody',
  open: async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  },
  close: () => undefined,
}

const noProbe = async () => undefined

test('races that are lost leave nothing behind on a signal that outlasts them', async () => {
  const { signal } = new AbortController()
  const races = async (count: number) => {
    for (let run = 0; run < count; run += 1) {
      await race([unreachable, unreachable], { timeoutMs: 1_000, signal }, noProbe).catch(
        () => null,
      )
    }
  }
  const collect = collector()
  await races(1_000)
  collect()
  const before = process.memoryUsage().heapUsed
  await races(10_000)
  collect()
  const bytesEach = (process.memoryUsage().heapUsed - before) / 10_000
  expect(bytesEach).toBeLessThan(50)
})

test('a race ends when its signal is aborted, before or meanwhile', async () => {
  const dialled: boolean[] = []
  const silent: Endpoint = {
    ...unreachable,
    open: ({ signal }) =>
      new Promise((_, reject) => {
        dialled.push(signal.aborted)
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  }
  const given = new AbortController()
  const racing = race([silent], { timeoutMs: 60_000, signal: given.signal }, noProbe)
  given.abort(new Error('closed'))
  await expect(racing).rejects.toThrow('no etcd member answers (nobody)')
  await expect(
    race([silent], { timeoutMs: 60_000, signal: given.signal }, noProbe),
  ).rejects.toThrow('no etcd member answers (nobody)')
  expect(dialled).toEqual([false, true])
})
