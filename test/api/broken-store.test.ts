import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor } from 'xstate'
import { type Locker, locked, type Store, UnreachableError } from '../../src/index.js'
import { MemoryStore } from '../../src/stores/memory.js'
import type { Candidates } from '../../src/stores/store.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { listenForCrashes } from './node/nodes.js'

const path = '/broken-store'
const ttl = 10
const cause = new Error('the store is broken')
/** How long it may take until there is a leader, whatever has happened. In milliseconds. */
const NEVER_STUCK_MS = (ttl + 3) * 1_000

const ofCandidates = ['enter', 'leave', 'list', 'install'] as const
const requests = [
  ...(['grant', 'renew', 'revoke', 'claim', 'propose', 'release', 'read'] as const),
  ...ofCandidates,
]
const methods = [...requests, 'watch', 'closeIdle'] as const
type Method = (typeof methods)[number]

/** What methods do instead of what they should, or beside it. */
type Faults = Partial<Record<Method, (carryOut: () => unknown) => unknown>>

const throws = () => {
  throw cause
}
const rejects = () => Promise.reject(cause)
const breaksAfterwards = async (carryOut: () => unknown) => {
  await carryOut()
  throw cause
}
const isUnanswered = () => Promise.reject(new UnreachableError('no answer'))

/** A node, or an actor of an app's own, which competes for the path. */
interface Competitor {
  readonly isLeader: boolean
  start(): void
  propose(value: string): void
  /** Resolves when it has left the election. */
  stop(): Promise<unknown>
  /** Asks what stands at the path. */
  ask(): Promise<unknown>
}

type Tell = (...told: readonly unknown[]) => void
type Make = (locker: Locker, clock: VirtualClock, tell: Tell) => Competitor

const makeNode: Make = (locker, _clock, tell) => {
  const node = locker(path, { id: 'a', value: 'a', ttl })
  node.on('select', (value) => tell('select', value))
  node.on('deselect', (reason) => tell('deselect', reason))
  node.on('unreachable', ({ message }, attempt) => tell('unreachable', message, attempt))
  node.on('error', (error) => tell('error', error.name, error.cause))
  return {
    get isLeader() {
      return node.isLeader
    },
    start: () => void node.start().catch(() => undefined),
    propose: (value) => void node.propose(value),
    stop: () => node.stop(),
    ask: () => node.id().catch((error: unknown) => error),
  }
}

const makeActor: Make = (locker, clock, tell) => {
  const create = (value: string) => {
    const input = { path, id: 'a', instance: randomUUID(), value, ttl }
    const one = createActor(locker.machine, { input, clock })
    one.on('select', ({ value: selected }) => tell('select', selected))
    one.on('deselect', ({ reason }) => tell('deselect', reason))
    one.on('unreachable', ({ error, attempt }) => tell('unreachable', error.message, attempt))
    one.subscribe({ error: (thrown) => tell('error', 'ActorError', thrown) })
    return one.start()
  }
  let actor = create('a')
  const isActive = () => actor.getSnapshot().status === 'active'
  return {
    get isLeader() {
      return isActive() && actor.getSnapshot().matches('leader')
    },
    start() {
      // One that has ended is of no use any more to an app.
      if (!isActive()) actor = create('a')
      actor.send({ type: 'start' })
    },
    propose: (value) => actor.send({ type: 'propose', value }),
    stop: async () => {
      if (!isActive()) return
      const released = new Promise((resolve) => actor.on('released', resolve))
      actor.send({ type: 'stop' })
      await released
    },
    ask: () =>
      locker(path, { id: 'asks', value: 0, ttl })
        .id()
        .catch((error: unknown) => error),
  }
}

/** The store, or its candidates, but for the methods that have faults. */
function broken<Broken extends Store | Candidates>(store: Broken, faults: Faults): Broken {
  return new Proxy(store, {
    get(target, name) {
      const fault = methods.find((method) => method === name)
      const method: unknown = Reflect.get(target, name, target)
      if (name === 'candidates') return broken(method as Candidates, faults)
      if (typeof method !== 'function') return method
      return (...given: readonly unknown[]) => {
        const carryOut = () => Reflect.apply(method, target, given)
        const act = fault === undefined ? undefined : faults[fault]
        return act === undefined ? carryOut() : act(carryOut)
      }
    },
  })
}

/** One competitor whose store has faults, and a rival whose store has none. */
class Scene {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  readonly faults: Faults = {}
  readonly locker = locked(broken(this.store, this.faults), { clock: this.clock })
  readonly told: unknown[][] = []
  readonly competitor: Competitor
  readonly rival = locked(this.store, { clock: this.clock })(path, { id: 'rival', value: 0, ttl })

  constructor(make: Make) {
    this.competitor = make(this.locker, this.clock, (...told) =>
      this.told.push([this.clock.now(), ...told]),
    )
  }

  get leaders(): readonly string[] {
    const { competitor, rival } = this
    const isLeader = { competitor: competitor.isLeader, rival: rival.isLeader }
    return Object.entries(isLeader).flatMap(([name, leads]) => (leads ? [name] : []))
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await this.clock.advance(100)
      expect(this.leaders.length).toBeLessThanOrEqual(1)
    }
  }

  /** The store has these faults when `act` is called, and for 20 s from then on. Returns what `act` does. */
  async suffer<Result>(faults: Faults, act: () => Result): Promise<Result> {
    Object.assign(this.faults, faults)
    const acted = act()
    await this.pass(20_000)
    for (const method of methods) delete this.faults[method]
    return await acted
  }
}

/** From the start, as leader, as follower, when it stops, and when its locker is closed: returns what was told. */
async function play(make: Make, faults: Faults): Promise<unknown[][]> {
  const crashes = listenForCrashes()
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => random.mockRestore())
  const scene = new Scene(make)
  const { competitor, rival, store, told, locker } = scene
  await scene.suffer(faults, () => competitor.start())
  competitor.start()
  // It keeps the session alive when the other one has left.
  void locker('/beside', { id: 'beside', value: 0, ttl }).start()
  await scene.pass(NEVER_STUCK_MS)
  expect(scene.leaders).toEqual(['competitor'])

  await scene.suffer(faults, () => {
    competitor.propose('b')
    return competitor.ask()
  })
  void rival.start()
  await scene.pass(NEVER_STUCK_MS)
  expect(scene.leaders).toHaveLength(1)

  competitor.start()
  await scene.pass(100)
  await scene.suffer(faults, () => void store.put(path, 'junk'))
  await scene.suffer(faults, () => void store.delete(path))
  await scene.pass(NEVER_STUCK_MS)
  expect(scene.leaders).toHaveLength(1)

  void rival.stop()
  await scene.pass(100)
  competitor.start()
  await scene.pass(NEVER_STUCK_MS)
  expect(scene.leaders).toEqual(['competitor'])
  // Without an answer there is something to look for afterwards.
  await scene.suffer({ release: isUnanswered, ...faults }, () => competitor.stop())
  await scene.pass(NEVER_STUCK_MS)

  competitor.start()
  await scene.pass(NEVER_STUCK_MS)
  void rival.start()
  await scene.pass(100)
  expect(scene.leaders).toEqual(['competitor'])
  await scene.suffer(faults, () => competitor.stop())
  await scene.pass(NEVER_STUCK_MS)
  expect(scene.leaders).toEqual(['rival'])

  competitor.start()
  await scene.pass(100)
  await scene.suffer(faults, () => competitor.propose('c'))
  await scene.suffer(faults, () => competitor.stop())
  expect(scene.leaders).toEqual(['rival'])

  competitor.start()
  await scene.pass(100)
  await scene.suffer(faults, () => locker.close())
  await scene.pass(NEVER_STUCK_MS)
  expect(store.leases()).toHaveLength(1)
  expect(crashes).toEqual([])
  return told
}

describe.each([
  ['a node', makeNode],
  ['an actor of an app’s own', makeActor],
])('%s on a store that throws instead of rejecting', (_, make) => {
  test.each(requests)('at %s, takes it for a rejection', async (method) => {
    const broke = vi.fn(throws)
    const told = await play(make, { [method]: broke })
    expect(broke).toHaveBeenCalled()
    expect(told).toEqual(await play(make, { [method]: rejects }))
  })

  test('at closeIdle, hears nothing of it', async () => {
    const broke = vi.fn(throws)
    const told = await play(make, { closeIdle: broke })
    expect(broke).toHaveBeenCalled()
    expect(told).toEqual(await play(make, {}))
  })

  test('at watch, leaves with an error', async () => {
    const told = await play(make, { watch: throws })
    expect(told).toContainEqual([expect.any(Number), 'error', 'ActorError', cause])
  })

  test('or does so when it has claimed the path, leaves nothing behind', async () => {
    const scene = new Scene(make)
    void scene.locker('/beside', { id: 'beside', value: 0, ttl }).start()
    await scene.suffer({ claim: breaksAfterwards }, () => scene.competitor.start())
    expect(scene.store.entries().has(path)).toBe(true)
    void scene.rival.start()
    const stopped = scene.competitor.stop()
    await scene.pass(NEVER_STUCK_MS)
    await stopped
    expect(scene.leaders).toEqual(['rival'])
  })
})
