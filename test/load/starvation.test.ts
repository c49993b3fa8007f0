import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { now } from '../faults/now.js'
import { Starvation, timeNet } from './starvation.js'

const onLinux = test.skipIf(process.platform !== 'linux')

onLinux('counts what processes wait that want more processors than there are', async () => {
  using starvation = new Starvation()
  const from = now()
  // All on one processor: each waits while another runs, whatever else the machine does.
  const many = [1, 2, 3].map(() =>
    spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  onTestFinished(async () => {
    const exited = many.map((one) => once(one, 'exit'))
    for (const one of many) one.kill('SIGKILL')
    await Promise.all(exited)
  })
  await expect.poll(() => starvation.between(from, now())).toBeGreaterThan(1_000)
})

test('counts a standstill of which no account tells, as when a host runs another machine', async () => {
  using starvation = new Starvation()
  await sleep(300)
  const from = now()
  const stop = `kill -STOP ${process.pid}; sleep 0.5; kill -CONT ${process.pid}`
  await once(spawn('sh', ['-c', stop], { stdio: 'ignore' }), 'exit')
  await sleep(100)
  expect(starvation.between(from, now())).toBeGreaterThan(400)
})

test('counts no more within a time than within a longer one', async () => {
  using starvation = new Starvation()
  const from = now()
  await sleep(300)
  const between = now()
  await sleep(300)
  const to = now()
  expect(starvation.between(from, between)).toBeLessThanOrEqual(starvation.between(from, to))
})

test('what an act took is at most what passed meanwhile', async () => {
  const from = now()
  const netMs = await timeNet(() => sleep(100))
  expect(netMs).toBeLessThanOrEqual(now() - from)
})
