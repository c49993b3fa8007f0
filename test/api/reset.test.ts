import { setImmediate as settled } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { locked } from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { Gate, type Method } from '../paths/gate.js'

test.each<readonly [string, Method]>([
  ['lease', 'grant'],
  ['claim', 'claim'],
])('a node does not wait for a %s of a history that was replaced', async (_, method) => {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const gate = new Gate(store)
  const node = locked(gate, { clock })('/reset', { value: 1 })
  const started = node.start()
  const answer = async (...methods: readonly Method[]) => {
    for (const one of methods) {
      await settled()
      await gate.newest(one)?.answer()
    }
    await settled()
  }
  await answer(...(method === 'claim' ? (['grant'] as const) : []))
  expect(gate.newest(method)).toBeDefined()

  store.restore(null)
  gate.reset()
  await answer('grant', 'claim')
  await started
  expect(node.isLeader).toBe(true)
  // It has had no answer all the time.
  expect(gate.waiting.map((one) => one.method)).toContain(method)

  const stopped = node.stop()
  while (gate.waiting.length > 0) await answer(...gate.waiting.map((one) => one.method))
  await stopped
})
