import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, path } from './nodes.js'

describe('isLeader and token', () => {
  test('are right although no timer has run', async () => {
    const clock = new VirtualClock()
    const node = lockerOn(new MemoryStore(clock), clock)({ path, value: 10, ttl: 10 })
    await node.start()
    clock.suspend(8_999)
    expect([node.isLeader, node.token === null]).toEqual([true, false])
    clock.suspend(1)
    expect([node.isLeader, node.token]).toEqual([false, null])
    expect(node.state).toBe('leader')
  })
})
