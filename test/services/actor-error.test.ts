import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor, waitFor } from 'xstate'
import {
  ActorError,
  type ElectionActor,
  type ElectionEvent,
  type LockedNode,
  locked,
  type Watch,
  type WatchListener,
} from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { MemoryCluster } from '../../src/testing/cluster.js'
import { leafOf, leavesOf } from '../paths/chart.js'

const path = '/broken'
const cause = new Error('the statechart is broken')
/** Every state has something to do with it. */
const poison: ElectionEvent = Object.defineProperty({ type: 'propose', value: 0 }, 'value', {
  get() {
    throw cause
  },
})

interface Scene {
  readonly cluster: MemoryCluster
  readonly node: LockedNode
  readonly end: () => void
}

/** Brings a node that has been made into a state. */
type Bring = (scene: Scene) => Promise<unknown>

const lead: Bring = async ({ cluster, node }) => {
  void node.start()
  await cluster.advance(10)
}

/** The answer to its claim is lost, and the next claim finds the record that the first one has left. */
async function leaveRecord(cluster: MemoryCluster, node: LockedNode): Promise<void> {
  while (!cluster.store.entries().has(path)) await cluster.advance(1)
  cluster.cut(node)
  await cluster.advance(1)
  cluster.heal(node)
  while (stateOf(node) !== 'campaigning.clearing') await cluster.advance(1)
  cluster.freeze(node)
}

const follow: Bring = async ({ cluster, node }) => {
  void cluster.node(path, { id: 'holder', value: 'holder' }).start()
  await cluster.advance(10)
  void node.start()
  await cluster.advance(10)
}

/** Its release is lost, and another node of its process keeps the session alive. */
const leaveBehind: Bring = async (scene) => {
  await lead(scene)
  const { cluster, node } = scene
  void cluster.node('/other', { id: 'other', value: 'other', beside: node }).start()
  await cluster.advance(10)
  scene.end()
  void node.stop()
  while (stateOf(node) !== 'stopped.releasing') await cluster.advance(1)
  cluster.cut(node)
  while (stateOf(node) !== 'stopped.settling') await cluster.advance(1)
  cluster.heal(node)
}

const states: Readonly<Record<string, Bring>> = {
  idle: async () => undefined,
  'campaigning.claiming': async ({ cluster, node }) => {
    cluster.freeze(node)
    node.start().catch(() => undefined)
    await cluster.advance(10)
  },
  'campaigning.clearing': async ({ cluster, node }) => {
    void node.start()
    await leaveRecord(cluster, node)
  },
  'campaigning.waiting': async ({ cluster, node }) => {
    cluster.cut(node)
    node.start().catch(() => undefined)
    const told = once(node, 'unreachable')
    await cluster.advance(5_000)
    await told
  },
  'campaigning.yielding': async ({ cluster, node }) => {
    const holder = cluster.node(path, { id: 'holder', value: 'holder' })
    void holder.start()
    await cluster.advance(10)
    void node.start()
    await cluster.advance(10)
    cluster.kill(holder)
    cluster.expire(path)
    while (stateOf(node) !== 'campaigning.yielding') await cluster.advance(1)
  },
  'leader.holding': lead,
  'leader.proposing': async (scene) => {
    await lead(scene)
    scene.cluster.freeze(scene.node)
    scene.node.propose('another')
  },
  'leader.waiting': async (scene) => {
    await lead(scene)
    const { cluster, node } = scene
    cluster.cut(node)
    node.propose('another')
    const told = once(node, 'unreachable')
    for (let step = 0; step < 60 && stateOf(node) !== 'leader.waiting'; step += 1) {
      await cluster.advance(100)
    }
    await told
  },
  'follower.following': follow,
  'follower.enqueueing': async (scene) => {
    await follow(scene)
    scene.cluster.freeze(scene.node)
    scene.node.propose('another')
  },
  'follower.pausing': async (scene) => {
    await follow(scene)
    const { cluster, node } = scene
    cluster.cut(node)
    node.propose('another')
    while (stateOf(node) !== 'follower.pausing') await cluster.advance(1)
  },
  'follower.reopening': async (scene) => {
    await follow(scene)
    scene.cluster.freeze(scene.node)
    await scene.cluster.advance(10_000)
  },
  'follower.waiting': async (scene) => {
    await follow(scene)
    const { cluster, node } = scene
    cluster.cut(node)
    while (stateOf(node) !== 'follower.waiting') await cluster.advance(1)
  },
  'stopped.withdrawing': async ({ cluster, node }) => {
    cluster.freeze(node)
    node.start().catch(() => undefined)
    await cluster.advance(10)
    void node.stop()
  },
  'stopped.draining': async (scene) => {
    await lead(scene)
    void scene.node.stop()
  },
  'stopped.listing': async (scene) => {
    await lead(scene)
    scene.cluster.freeze(scene.node)
    scene.end()
    void scene.node.stop()
    while (stateOf(scene.node) !== 'stopped.listing') await scene.cluster.advance(1)
  },
  'stopped.choosing.checking': async (scene) => {
    await lead(scene)
    const { cluster, node } = scene
    for (const id of ['another heir', 'heir']) {
      void cluster.node(path, { id, value: id }).start()
      await cluster.advance(10)
    }
    scene.end()
    void node.stop()
    while (stateOf(node) !== 'stopped.choosing.checking') await cluster.advance(1)
    cluster.freeze(node)
  },
  'stopped.handingOver': async (scene) => {
    await lead(scene)
    const { cluster, node } = scene
    void cluster.node(path, { id: 'heir', value: 'heir' }).start()
    await cluster.advance(10)
    scene.end()
    void node.stop()
    while (stateOf(node) !== 'stopped.handingOver') await cluster.advance(1)
    cluster.freeze(node)
  },
  'stopped.releasing': async (scene) => {
    await lead(scene)
    scene.end()
    void scene.node.stop()
    while (stateOf(scene.node) !== 'stopped.releasing') await scene.cluster.advance(1)
    scene.cluster.freeze(scene.node)
  },
  'stopped.leaving': async (scene) => {
    await follow(scene)
    scene.cluster.freeze(scene.node)
    void scene.node.stop()
    while (stateOf(scene.node) !== 'stopped.leaving') await scene.cluster.advance(1)
  },
  'stopped.settling': leaveBehind,
  'stopped.clearing': async (scene) => {
    await leaveBehind(scene)
    while (stateOf(scene.node) !== 'stopped.clearing') await scene.cluster.advance(1)
    scene.cluster.freeze(scene.node)
  },
  'stopped.released': async (scene) => {
    await lead(scene)
    scene.end()
    void scene.node.stop()
    await scene.cluster.advance(10)
  },
}

test('there is a way to every state', () => {
  expect(Object.keys(states).sort()).toEqual([...leavesOf(locked('memory:').machine)].sort())
})

describe.each(Object.entries(states))(
  'a node whose actor ends in an error, in %s',
  (state, bring) => {
    test('leads no more, tells why, leaves nothing behind, and can be started again', async () => {
      const cluster = new MemoryCluster()
      // Time to break the connection while a message is under way.
      const fate = () => 1
      const node = cluster.node(path, { id: 'a', value: 'a', fate })
      const work = deferred()
      const signals: AbortSignal[] = []
      node.lead(({ signal }) => {
        signals.push(signal)
        return work.promise
      })
      await bring({ cluster, node, end: work.resolve })
      expect(stateOf(node)).toBe(state)
      const told = record(node)
      const starting = state.startsWith('campaigning') ? node.start() : null
      const stopping = /withdrawing|draining|listing|checking|handingOver|releasing|leaving/.test(
        state,
      )
        ? node.stop()
        : null
      const wasLeader = state.startsWith('leader')
      const isFollower = state.startsWith('follower') || state === 'stopped.leaving'
      const isChoosing = state.startsWith('stopped.choosing')
      const hasHeir = isChoosing || state === 'stopped.handingOver'
      // A holder that it follows, those whom it hands over to, or a node of its own process.
      const hasOther = isFollower || hasHeir || /settling|stopped.clearing/.test(state)
      const others = isChoosing ? 2 : hasOther ? 1 : 0
      const { actor } = node

      actor.send(poison)
      expect(actor.getSnapshot().status).toBe('error')
      expect([node.isLeader, node.state, node.token]).toEqual([false, 'stopped', null])
      expect(signals.every(({ aborted }) => aborted)).toBe(true)
      const error = expect.any(ActorError)
      expect(told).toEqual([...(wasLeader ? [['deselect', 'failed']] : []), ['error', error]])
      expect(told.at(-1)?.[1]).toMatchObject({ path, nodeId: 'a', cause })
      if (starting !== null) await expect(starting).rejects.toBeInstanceOf(ActorError)
      if (wasLeader) {
        // As on `stop`: the next leader does not begin before the work has ended.
        await cluster.advance(100)
        expect(cluster.store.entries().has(path)).toBe(true)
      }
      work.resolve()
      cluster.heal(node)
      await cluster.advance(10_000)
      if (stopping !== null) await stopping
      await node.stop()
      expect(cluster.store.entries().get(path)?.text ?? '').not.toContain('"id":"a"')
      expect(cluster.store.leases()).toHaveLength(others)
      expect(cluster.store.watchers).toBe(others)
      expect(told).toHaveLength(wasLeader ? 2 : 1)

      node.propose('again')
      const again = node.start()
      await cluster.advance(10)
      await again
      expect(node.actor).not.toBe(actor)
      expect(node.state).toBe(isFollower || hasHeir ? 'follower' : 'leader')
      if (node.isLeader) expect(node.holder?.value).toBe('again')
      const stopped = node.stop()
      await cluster.advance(10)
      await stopped
      await cluster.advance(10_000)
      expect(cluster.store.leases()).toHaveLength(others)
    })
  },
)

test('another node takes over at once', async () => {
  const cluster = new MemoryCluster()
  const [a, b] = ['a', 'b'].map((id) => cluster.node(path, { id, value: id }))
  if (a === undefined || b === undefined) throw new Error('there are two')
  a.on('error', () => undefined)
  void a.start()
  await cluster.advance(10)
  void b.start()
  await cluster.advance(10)
  a.actor.send(poison)
  await cluster.advance(10)
  expect([a.isLeader, b.isLeader]).toEqual([false, true])
})

test('what is started again waits until the release of the actor before it is done', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a' })
  node.on('error', () => undefined)
  void node.start()
  await cluster.advance(10)
  const { token } = node
  cluster.freeze(node)
  node.actor.send(poison)
  const [first, second] = [node.start(), node.start()]
  await cluster.advance(100)
  expect(node.state).toBe('stopped')
  cluster.heal(node)
  await cluster.advance(100)
  await Promise.all([first, second])
  expect(node.token).toBeGreaterThan(token ?? 0n)
})

/** A node that leads, with another of its process that keeps their session, and one of another process. */
async function leadBeside(fate?: () => number) {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a', ...(fate && { fate }) })
  const beside = cluster.node('/other', { id: 'beside', value: 0, beside: node })
  const rival = cluster.node(path, { id: 'rival', value: 'rival' })
  node.on('error', () => undefined)
  void beside.start()
  await cluster.advance(10)
  void node.start()
  await cluster.advance(10)
  return { cluster, node, rival }
}

test('one that ends again after it was started again leaves nothing behind either', async () => {
  const { cluster, node, rival } = await leadBeside()
  for (let times = 0; times < 6; times += 1) {
    node.actor.send(poison)
    const started = node.start()
    await cluster.advance(10)
    await started
    expect(node.isLeader).toBe(true)
  }
  for (let times = 0; times < 6; times += 1) {
    node.actor.stop()
    void node.start()
    await cluster.advance(10)
    expect(node.isLeader).toBe(true)
  }
  node.actor.stop()
  const stopped = node.stop()
  void rival.start()
  await cluster.advance(300)
  await stopped
  expect(rival.isLeader).toBe(true)
})

test('one that ends while it leaves waits for the work all the same', async () => {
  const { cluster, node, rival } = await leadBeside()
  const work = deferred()
  node.lead(() => work.promise)
  await cluster.advance(1)
  node.actor.send(poison)
  void rival.start()
  let isStopped = false
  void node.stop().then(() => {
    isStopped = true
  })
  node.actor.send(poison)
  await cluster.advance(500)
  expect([isStopped, rival.isLeader]).toEqual([false, false])
  work.resolve()
  await cluster.advance(500)
  expect([isStopped, rival.isLeader]).toEqual([true, true])
})

test.each(['campaigning.claiming', 'stopped.withdrawing'])(
  'one that is stopped by hand in %s hears of its claim when it is told to leave',
  async (state) => {
    const { cluster, node, rival } = await leadBeside(() => 1)
    void node.stop()
    await cluster.advance(10)
    node.start().catch(() => undefined)
    await cluster.advance(1)
    if (state === 'stopped.withdrawing') void node.stop()
    expect(stateOf(node)).toBe(state)
    node.actor.stop()
    await cluster.advance(20)
    expect(cluster.store.entries().has(path)).toBe(true)
    const stopped = node.stop()
    await cluster.advance(10)
    await stopped
    expect(cluster.store.entries().has(path)).toBe(false)
    expect(node.validityMs).toBe(0)
    void rival.start()
    await cluster.advance(10)
    expect(rival.isLeader).toBe(true)
  },
)

test('a start that waits for an actor which is stopped by hand is rejected, and the next one works', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a' })
  cluster.freeze(node)
  const first = node.start()
  await cluster.advance(10)
  node.actor.stop()
  const second = node.start()
  await expect(first).rejects.toThrow(/was stopped/)
  cluster.heal(node)
  await cluster.advance(1_000)
  await second
  expect(node.isLeader).toBe(true)
})

test('what is proposed when an actor was stopped by hand is remembered', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a' })
  void node.start()
  await cluster.advance(10)
  node.actor.stop()
  node.propose('another')
  void node.start()
  await cluster.advance(10)
  expect(node.isLeader).toBe(true)
  expect(node.holder?.value).toBe('another')
})

test('a listener that throws when an actor was stopped by hand keeps its node from nothing', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a' })
  const surfaced = catchUncaught()
  node.on('deselect', () => {
    throw new Error('a listener of deselect')
  })
  void node.start()
  await cluster.advance(10)
  node.actor.stop()
  const stopped = node.stop()
  await cluster.advance(10)
  await stopped
  expect(cluster.store.leases()).toEqual([])
  await vi.waitFor(() => expect(surfaced).toEqual(['a listener of deselect']))
})

test('what a listener throws surfaces, and keeps nothing of that from being done', async () => {
  const cluster = new MemoryCluster()
  const node = cluster.node(path, { id: 'a', value: 'a' })
  const surfaced = catchUncaught()
  for (const event of ['deselect', 'error'] as const) {
    node.on(event, () => {
      throw new Error(`a listener of ${event}`)
    })
  }
  void node.start()
  await cluster.advance(10)
  node.actor.send(poison)
  await cluster.advance(10)
  await node.stop()
  expect(cluster.store.leases()).toEqual([])
  await vi.waitFor(() =>
    expect(surfaced).toEqual(['a listener of deselect', 'a listener of error']),
  )
})

test('a node’s actor that was stopped by hand leads no more, and its node can be stopped', async () => {
  const store = new MemoryStore()
  const node = locked(store)(path, { id: 'a', value: 'a' })
  const signals: AbortSignal[] = []
  node.lead(({ signal }) => signals.push(signal))
  await node.start()
  node.actor.stop()
  expect([node.isLeader, node.state]).toEqual([false, 'stopped'])
  await node.stop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(store.leases()).toEqual([])
  await node.start()
  expect(node.isLeader).toBe(true)
  await node.stop()
})

/** A store of somebody’s own, which does wrong. */
class BrokenStore extends MemoryStore {
  failing: 'watch' | 'close' | null = null

  override watch(at: string, from: number, listener: WatchListener): Watch {
    if (this.failing === 'watch') throw cause
    const watch = super.watch(at, from, listener)
    return {
      close: () => {
        watch.close()
        if (this.failing === 'close') throw cause
      },
    }
  }
}

test.each(['watch', 'close'] as const)(
  'a service that throws, at %s, ends leadership',
  async (failing) => {
    const store = new BrokenStore()
    const node = locked(store)(path, { id: 'a', value: 'a' })
    const failed = once(node, 'error')
    if (failing === 'close') await node.start()
    store.failing = failing
    if (failing === 'watch') node.start().catch(() => undefined)
    else void node.stop()
    expect(await failed).toEqual([expect.objectContaining({ name: 'ActorError', cause })])
    expect(node.isLeader).toBe(false)
    await node.stop()
    expect([...store.entries(), ...store.leases()]).toEqual([])
  },
)

test('work that throws what has no text ends leadership like any other', async () => {
  const node = locked(new MemoryStore())(path, { id: 'a', value: 'a' })
  const failed = once(node, 'error')
  node.lead(() => {
    throw Object.create(null)
  })
  await node.start()
  expect(await failed).toMatchObject([{ name: 'WorkError' }])
  await node.stop()
})

describe('an actor on locker.machine that ends in an error', () => {
  test('is released, and what it had invoked is stopped', async () => {
    const store = new MemoryStore()
    const locker = locked(store)
    const actor = embed(locker.machine)
    actor.send({ type: 'start' })
    await waitFor(actor, (snapshot) => snapshot.matches('leader'))
    const other = locked(store)(path, { id: 'other', value: 'other' })
    await other.start()
    const selected = once(other, 'select')
    const { children } = actor.getSnapshot()
    const warned = once(process, 'warning')
    actor.send(poison)
    const { status } = actor.getSnapshot()
    expect(status).toBe('error')
    expect(await warned).toEqual([expect.objectContaining({ name: 'ActorError', path, cause })])
    const statuses = Object.values(children).map((child) => child?.getSnapshot().status)
    expect(new Set(statuses)).toEqual(new Set(['stopped']))
    await selected
    await other.stop()
    await locker.close()
    expect(store.watchers).toBe(0)
    expect(store.leases()).toEqual([])
  })

  test('ends so when its value is not JSON, and leaves nothing at the path', async () => {
    const store = new MemoryStore()
    const locker = locked(store)
    const actor = embed(locker.machine)
    const failed = new Promise((resolve) => actor.subscribe({ error: resolve }))
    actor.send({ type: 'start' })
    await waitFor(actor, (snapshot) => snapshot.matches('leader'))
    // @ts-expect-error it is no JSON
    actor.send({ type: 'propose', value: { when: new Date() } })
    expect(await failed).toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/^value: /),
    })
    await locker.close()
    expect([...store.entries(), ...store.leases()]).toEqual([])
  })

  test('does not for want of a sound inspector of the app’s own', async () => {
    const store = new MemoryStore()
    const locker = locked(store)
    let isBroken = false
    const actor = createActor(locker.machine, {
      input: { path, id: 'a', instance: randomUUID(), value: 'a', ttl: 1 },
      inspect: () => {
        if (isBroken) throw new Error('the inspector is broken')
      },
    }).start()
    actor.send({ type: 'start' })
    await waitFor(actor, (snapshot) => snapshot.matches('leader'))
    isBroken = true
    store.put(path, 'junk')
    await waitFor(actor, (snapshot) => snapshot.matches('follower'))
    store.delete(path)
    await waitFor(actor, (snapshot) => snapshot.matches('leader'))
    await locker.close()
    expect(store.leases()).toEqual([])
  })
})

function embed(machine: ReturnType<typeof locked>['machine']): ElectionActor {
  const input = { path, id: 'a', instance: randomUUID(), value: 'a', ttl: 10 }
  return createActor(machine, { input }).start()
}

function stateOf(node: LockedNode): string {
  const { value } = node.actor.getSnapshot()
  return leafOf(value)
}

function record(node: LockedNode): unknown[][] {
  const told: unknown[][] = []
  for (const event of ['select', 'deselect', 'change', 'vacant', 'unreachable', 'error'] as const) {
    node.on(event, (...given: unknown[]) => told.push([event, ...given]))
  }
  return told
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** What would have ended the process. */
function catchUncaught(): string[] {
  const messages: string[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const listener = (error: Error) => messages.push(error.message)
  process.on('uncaughtException', listener)
  onTestFinished(() => {
    process.off('uncaughtException', listener)
    for (const other of others) process.on('uncaughtException', other)
  })
  return messages
}
