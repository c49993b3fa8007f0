import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { IdleTimeout } from '../../../src/stores/etcd/idle-timeout.js'

const never = () => new Promise<string>(() => undefined)

function isSettled(promise: Promise<unknown>): () => boolean {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  return () => settled
}

describe('what is waited for', () => {
  test('comes as it is, when it comes before silence', async () => {
    const silence = new IdleTimeout(1_000)
    expect(await silence.unless(Promise.resolve('an answer'))).toBe('an answer')
    await expect(silence.unless(Promise.reject(new Error('a failure')))).rejects.toThrow(
      'a failure',
    )
  })

  test('is given up once nothing was heard for a while', async () => {
    const silence = new IdleTimeout(20)
    expect(await Promise.all([silence.unless(never()), silence.unless(never())])).toEqual([
      undefined,
      undefined,
    ])
    expect(await silence.unless(never())).toBe(undefined)
  })

  test('is not given up while something is heard', async () => {
    const silence = new IdleTimeout(200)
    const waiting = silence.unless(never())
    const hasEnded = isSettled(waiting)
    for (let heard = 0; heard < 30; heard += 1) {
      silence.heard()
      await sleep(10)
    }
    expect(hasEnded()).toBe(false)
    expect(await waiting).toBe(undefined)
  })

  test('is not given up when something arrived while the event loop was busy', async () => {
    const silence = new IdleTimeout(50)
    const hasEnded = isSettled(silence.unless(never()))
    const arrival = sleep(10).then(() => setImmediate(() => silence.heard()))
    const busyUntil = performance.now() + 100
    while (performance.now() < busyUntil);
    await arrival
    // What was set before it has run then, and nothing that is due later.
    await immediate()
    await immediate()
    expect(hasEnded()).toBe(false)
  })
})
