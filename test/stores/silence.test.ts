import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Silence } from '../../src/stores/silence.js'

function state(promise: Promise<void>) {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  return () => settled
}

test('silence begins once nothing was heard for a while', async () => {
  await new Silence(20).begins()
})

test('silence does not begin while something is heard', async () => {
  const silence = new Silence(200)
  const hasBegun = state(silence.begins())
  for (let heard = 0; heard < 30; heard += 1) {
    silence.heard()
    await sleep(10)
  }
  expect(hasBegun()).toBe(false)
  await silence.begins()
  expect(hasBegun()).toBe(true)
})

test('what arrived while the event loop was busy counts as heard', async () => {
  const silence = new Silence(50)
  const hasBegun = state(silence.begins())
  const arrival = sleep(10).then(() => setImmediate(() => silence.heard()))
  const busyUntil = performance.now() + 100
  while (performance.now() < busyUntil);
  await arrival
  await sleep(20)
  expect(hasBegun()).toBe(false)
})
