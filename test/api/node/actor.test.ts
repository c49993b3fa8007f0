import { describe, expect, onTestFinished, test } from 'vitest'
import locked from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { lockerOn, path } from './nodes.js'

describe('the actor and the machine', () => {
  test('are the running statechart, and what it is made of', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    expect(node.machine.id).toBe('election')
    expect(node.actor.getSnapshot().machine).toBe(node.machine)
    await node.start()
    const { value, context } = node.actor.getSnapshot()
    expect(value).toEqual({ leader: 'holding' })
    expect(JSON.parse(JSON.stringify(context))).toEqual(context)
  })

  test.each(['locker', 'node'])('can be inspected (%s)', async (where) => {
    const seen = new Set<string>()
    const inspect = ({ type }: { readonly type: string }) => seen.add(type)
    const locker = locked(new MemoryStore(), where === 'locker' ? { inspect } : {})
    const node = locker({ path, value: 10, ...(where === 'node' ? { inspect } : {}) })
    onTestFinished(() => locker.close())
    await node.start()
    expect(seen).toContain('@xstate.snapshot')
  })
})
