import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, path, record } from './nodes.js'

describe('what is no record', () => {
  test.each([
    '',
    'junk',
    '{',
    'null',
    '10',
    '"a"',
    '[]',
    '{}',
    '{"id":"x","value":1}',
    '{"id":1,"value":1,"instance":"x"}',
    '{"id":null,"value":1,"instance":null}',
    '\ud800\u0000',
  ])('is a holder without id, and is never overwritten: %j', async (text) => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const token = BigInt(store.put(path, text))
    const node = lockerOn(store, clock)({ path, id: 'a', value: 10 })
    const events = record(node)
    await node.start()
    expect(node.state).toBe('follower')
    expect(node.holder).toEqual({ id: null, value: text, token })
    expect(await node.id()).toBe(null)
    expect(await node.value()).toBe(text)
    await clock.advance(3_600_000)
    expect(events).toEqual([['change', text, null]])
    expect(store.entries().get(path)?.text).toBe(text)
    store.put(path, `${text}, changed`)
    await clock.advance(1)
    expect(events.slice(1)).toEqual([['change', `${text}, changed`, null]])
    await node.stop()
    expect(store.entries().get(path)?.text).toBe(`${text}, changed`)
    await node.start()
    store.delete(path)
    await clock.advance(10_000)
    expect(node.isLeader).toBe(true)
  })
})
