import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Link } from '../../../src/stores/link.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { lockerOn, path } from './nodes.js'

const TTL = 2
const LEADER_WITHIN_MS = TTL * 1_000 + 3_000

/** For each of three nodes, whether it starts again at once when all have stopped; and one does. */
const restarts = fc
  .array(fc.boolean(), { minLength: 3, maxLength: 3 })
  .filter((again) => again.includes(true))

/** Of messages, in milliseconds. */
const delays = fc.infiniteStream(fc.nat({ max: 200 }))

test('a node that stops and starts again leads by the session that it has then, whatever answer comes late', async () => {
  await fc.assert(
    fc.asyncProperty(
      restarts,
      fc.nat({ max: 2 * TTL * 1_000 }),
      delays,
      async (again, frozenMs, delay) => {
        const clock = new VirtualClock()
        const store = new MemoryStore(clock)
        const link = new Link(store, clock, () => delay.next().value ?? 0)
        const locker = lockerOn(link, clock)
        // The first one leads, in a process that nothing happens to.
        const lockers = [lockerOn(store, clock), locker, locker]
        const nodes = lockers.map((its, id) => its({ path, id: `${id}`, value: id, ttl: TTL }))
        for (const node of nodes) {
          node.start().catch(() => undefined)
          await clock.advance(1_000)
        }
        link.freeze()
        await clock.advance(frozenMs)
        for (const node of nodes) void node.stop()
        nodes.forEach((node, index) => {
          if (again[index]) node.start().catch(() => undefined)
        })
        link.heal()
        await clock.advance(LEADER_WITHIN_MS)
        const states = nodes.map(({ state }) => state)
        expect(states.map((state) => state !== 'stopped')).toEqual(again)
        expect(nodes.map(({ isLeader }) => isLeader)).toEqual(
          states.map((state) => state === 'leader'),
        )
        expect(states.filter((state) => state === 'leader')).toHaveLength(1)
      },
    ),
    { numRuns: 250 },
  )
})
