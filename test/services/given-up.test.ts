import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor, fromCallback } from 'xstate'
import type { ServiceInput } from '../../machines/election.js'
import { ActorError, type ElectionEvent, type LockedNode, locked } from '../../src/index.js'
import { AppActor } from '../../src/services/app-actor.js'
import { Services } from '../../src/services/services.js'
import type { Message } from '../../src/stores/link.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { MemoryCluster } from '../../src/testing/cluster.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { listenForCrashes } from '../api/node/nodes.js'

const path = '/given-up'
const ttl = 10
const cause = new Error('the statechart is broken')
/** One after the other ends, and the last one is not replaced by one that leaves. */
const TIMES = 4
const NEVER_STUCK_MS = (ttl + 3) * 1_000

const poison: ElectionEvent = Object.defineProperty({ type: 'propose', value: 0 }, 'value', {
  get() {
    throw cause
  },
})

/** Ends its actor, and whichever takes its place. */
function endAll(node: LockedNode): unknown[] {
  const errors: unknown[] = []
  node.on('error', (error) => errors.push(error))
  for (let times = 0; times < TIMES; times += 1) node.actor.send(poison)
  return errors
}

async function lead(cluster: MemoryCluster, node: LockedNode): Promise<void> {
  void node.start()
  await cluster.advance(10)
  expect(node.isLeader).toBe(true)
}

describe.each(['is frozen', 'loses releases'])(
  'a node whose connection %s, and whose actor ends in an error four times in a row',
  (connection) => {
    test.each(['alone', 'beside another'])('is given up, %s in its process', async (how) => {
      const crashes = listenForCrashes()
      const cluster = new MemoryCluster()
      let losesReleases = false
      const fate = ({ call }: Message) => (losesReleases && call === 'release' ? 'lost' : 0)
      const node = cluster.node(path, { id: 'a', value: 'a', ttl, fate })
      const beside = cluster.node('/beside', { id: 'beside', value: 0, ttl, beside: node })
      const rival = cluster.node(path, { id: 'rival', value: 'rival', ttl })
      await lead(cluster, node)
      if (how === 'beside another') await lead(cluster, beside)
      void rival.start()
      await cluster.advance(10)
      if (connection === 'is frozen') cluster.freeze(node)
      else losesReleases = true

      const errors = endAll(node)
      expect(errors).toEqual(Array(TIMES).fill(expect.any(ActorError)))
      expect(errors).toEqual(Array(TIMES).fill(expect.objectContaining({ cause })))
      expect([node.isLeader, node.state]).toEqual([false, 'stopped'])
      const { actor } = node
      expect(actor.getSnapshot().value).toEqual({ stopped: 'released' })
      const stopped = node.stop()
      await cluster.advance(NEVER_STUCK_MS)
      await stopped
      expect(node.actor).toBe(actor)
      expect(rival.isLeader).toBe(true)

      cluster.heal(node)
      losesReleases = false
      await cluster.advance(NEVER_STUCK_MS)
      expect(rival.isLeader).toBe(true)
      expect(beside.isLeader).toBe(how === 'beside another')
      expect(cluster.store.leases()).toHaveLength(how === 'beside another' ? 2 : 1)
      void rival.stop()
      await cluster.advance(10)
      await lead(cluster, node)
      expect(crashes).toEqual([])
    })
  },
)

test('an actor of an app’s own whose replacements end as well is given up, and its locker can be closed', async () => {
  const crashes = listenForCrashes()
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  const services = new Services(store, clock)
  const { registry } = services
  const begin = (
    one: { path: string; id: string },
    stage: ConstructorParameters<typeof AppActor>[0] = services,
  ) => {
    const input = { ...one, instance: randomUUID(), value: 0, ttl }
    const actor = createActor(services.machine, { input, clock })
    const app = new AppActor(stage, actor)
    actor.start().send({ type: 'start' })
    return { actor, app }
  }
  const withdraw = fromCallback<ElectionEvent, ServiceInput>(() => {
    throw cause
  })
  const { actor, app } = begin(
    { path, id: 'a' },
    {
      machine: services.machine.provide({ actors: { withdraw } }),
      clock,
      registry,
      abandon: (participant) => services.abandon(participant),
    },
  )
  const beside = begin({ path: '/beside', id: 'beside' })
  await clock.advance(10)
  expect(actor.getSnapshot().matches('leader')).toBe(true)
  const rival = locked(store, { clock })(path, { id: 'rival', value: 0, ttl })
  void rival.start()
  await clock.advance(10)

  const warnings = recordWarnings()
  actor.send(poison)
  await clock.advance(NEVER_STUCK_MS)
  expect(rival.isLeader).toBe(true)
  expect(beside.actor.getSnapshot().matches('leader')).toBe(true)
  await vi.waitFor(() =>
    expect(warnings).toEqual(Array(TIMES).fill(expect.objectContaining({ path, cause }))),
  )
  await app.entrant.leave()
  const closed = services.stopAll()
  await clock.advance(10)
  await closed
  expect(store.leases()).toHaveLength(1)
  expect(crashes).toEqual([])
})

/** The process warnings from now on. */
function recordWarnings(): Error[] {
  const warnings: Error[] = []
  const record = (warning: Error) => warnings.push(warning)
  process.on('warning', record)
  onTestFinished(() => void process.off('warning', record))
  return warnings
}
