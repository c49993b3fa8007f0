import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { type Clock, locked } from '../../src/index.js'
import { ContainedClock } from '../../src/onlookers/contained-clock.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

const broken = () => {
  throw new Error('the clock is broken')
}

describe('a clock that fails for a while', () => {
  test.each([
    ['now throws', { now: broken }],
    ['wallNow throws', { wallNow: broken }],
    ['now is not a number', { now: () => Number.NaN }],
    ['now is beyond all numbers', { now: () => Number.POSITIVE_INFINITY }],
    ['wallNow is before all numbers', { wallNow: () => Number.NEGATIVE_INFINITY }],
    ['now is text', { now: (): number => JSON.parse('"5"') }],
    [
      'everything throws',
      { now: broken, wallNow: broken, setTimeout: broken, clearTimeout: broken },
    ],
  ])(
    'ends leadership at once, and no longer than it fails: %s',
    async (_what, fault) => {
      const store = new MemoryStore()
      let faults: Partial<Clock> = {}
      const clock = clockWith(() => faults)
      const a = locked(store, { clock })('/p', { id: 'a', value: 'a', ttl: 1 })
      const b = locked(store)('/p', { id: 'b', value: 'b', ttl: 1 })
      await a.start()
      await b.start()
      const [deselected, selected] = [once(a, 'deselect'), once(b, 'select')]
      faults = fault
      expect([a.isLeader, a.token, a.validityMs]).toEqual([false, null, 0])
      expect(await deselected).toEqual(['expired'])
      await selected
      expect(a.isLeader).toBe(false)
      faults = {}
      const again = once(a, 'select')
      await b.stop()
      await again
      expect(a.isLeader).toBe(true)
      await a.stop()
      expect([...store.entries(), ...store.leases()]).toEqual([])
    },
    60_000,
  )

  test('does not end leadership where it only refuses timers', async () => {
    const store = new MemoryStore()
    const clock = clockWith(() => ({ setTimeout: broken, clearTimeout: broken }))
    const node = locked(store, { clock })('/p', { id: 'a', value: 'a', ttl: 1 })
    const told: string[] = []
    node.on('deselect', (reason) => told.push(reason))
    await node.start()
    for (let time = 0; time < 4; time += 1) await once(node, 'refresh')
    expect(node.isLeader).toBe(true)
    expect(told).toEqual([])
    await node.stop()
  }, 60_000)
})

describe('a timer', () => {
  test('is called once, after it was set, and not after it was cleared', async () => {
    const calls: string[] = []
    const late: (() => void)[] = []
    const clock = new ContainedClock({
      ...systemClock,
      setTimeout(callback) {
        callback()
        late.push(callback)
      },
    })
    clock.setTimeout(() => calls.push('first'), 10)
    expect(calls).toEqual([])
    const cleared = clock.setTimeout(() => calls.push('second'), 10)
    clock.clearTimeout(cleared)
    await new Promise((resolve) => setImmediate(resolve))
    for (const callback of late) callback()
    expect(calls).toEqual(['first'])
  })

  test('that throws harms neither the clock nor the timers after it', async () => {
    const virtual = new VirtualClock()
    const clock = new ContainedClock(virtual)
    const second = vi.fn()
    clock.setTimeout(broken, 10)
    clock.setTimeout(second, 20)
    await virtual.advance(30)
    expect(second).toHaveBeenCalledOnce()
  })

  test('on the system’s clock, for want of the given one, can be cleared', async () => {
    const clock = new ContainedClock({ ...systemClock, setTimeout: broken })
    const cleared = vi.fn()
    clock.clearTimeout(clock.setTimeout(cleared, 1))
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 20))
    expect(cleared).not.toHaveBeenCalled()
  })
})

function clockWith(faults: () => Partial<Clock>): Clock {
  const now = () => ({ ...systemClock, ...faults() })
  return {
    now: () => now().now(),
    wallNow: () => now().wallNow(),
    setTimeout: (callback, delayMs) => now().setTimeout(callback, delayMs),
    clearTimeout: (timer) => now().clearTimeout(timer),
  }
}
