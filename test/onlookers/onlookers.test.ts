import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { electionMachine } from '../../machines/election.js'
import {
  type Clock,
  type ElectionActor,
  type LockerOptions,
  locked,
  type Meter,
} from '../../src/index.js'
import { Link } from '../../src/stores/link.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { leafOf, leavesOf } from '../paths/chart.js'

const logged = vi.hoisted(() => ({ call: () => {} }))
vi.mock('node:util', async (original) => {
  const log = Object.assign(() => logged.call(), { enabled: true })
  return { ...(await original<typeof import('node:util')>()), debuglog: () => log }
})

const path = '/watched'

/** What belongs to an onlooker does this whenever it is called. */
type Called = () => void

/** Has a node looked on at, by what calls `called`. */
type LookOn = (called: Called, clock: VirtualClock) => LockerOptions

const onlookers: Readonly<Record<string, LookOn>> = {
  inspect: (called) => ({ inspect: called }),
  debug: (called) => {
    logged.call = called
    return {}
  },
  meter: (called) => ({ meter: meterThat(called) }),
  clock: (called, clock) => ({ clock: clockThat(called, clock) }),
}

const warnings: Error[] = []
process.on('warning', (warning) => warnings.push(warning))

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})

afterEach(() => {
  vi.restoreAllMocks()
  logged.call = () => {}
})

describe.each(Object.entries(onlookers))('%s', (_name, lookOn) => {
  test('that throws at its nth call changes nothing, for every n, in every state', async () => {
    const { calls, states, ...expected } = await run(lookOn, () => false)
    expect([...states].sort()).toEqual([...leavesOf(electionMachine)].sort())
    expect(Math.max(...expected.told.map((event) => Number(event.at(-1))))).toBe(1)
    expect(calls).toBeGreaterThan(20)
    for (let nth = 1; nth <= calls; nth += 1) {
      const { told, leader } = await run(lookOn, (call) => call === nth)
      expect({ told, leader }, `thrown at call ${nth} of ${calls}`).toEqual(expected)
    }
  }, 600_000)
})

// Without its clock, a node cannot be as it would be with it: see below.
describe.each(Object.entries(onlookers).slice(0, -1))('%s', (_name, lookOn) => {
  test('that throws at every call from the nth on changes nothing', async () => {
    const { calls, states, ...expected } = await run(lookOn, () => false)
    // From the first, and from some in each state.
    for (let nth = 1; nth <= calls; nth += 11) {
      const { told, leader } = await run(lookOn, (call) => call >= nth)
      expect({ told, leader }, `thrown from call ${nth} of ${calls} on`).toEqual(expected)
    }
  }, 600_000)
})

test('what was thrown became one warning for each kind of onlooker', () => {
  const observers = warnings.filter(({ message }) => message.includes('the onlooker is broken'))
  expect(observers.map(({ message }) => message.split(':')[0]).sort()).toEqual([
    'clock',
    'debug',
    'inspect',
    'meter',
  ])
  for (const warning of observers) expect(warning).toMatchObject({ code: 'LOCKED_OBSERVER' })
})

test('an inspector that rejects later ends nothing', async () => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', listener)
  const inspect = async () => {
    throw new Error('the onlooker is broken')
  }
  const node = locked(new MemoryStore(), { inspect })(path, { value: 1 })
  await node.start()
  await node.stop()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', listener)
  expect(unhandled).toEqual([])
})

interface Outcome {
  /** What both nodes told, in order, and how many led then. */
  readonly told: readonly (readonly unknown[])[]
  /** Who leads in the end. */
  readonly leader: readonly boolean[]
  /** How often the onlooker was called. */
  readonly calls: number
  /** Where the node has been meanwhile. */
  readonly states: ReadonlySet<string>
}

/** A life of a node that is looked on at, through all of its states, beside a rival that is not. */
async function run(lookOn: LookOn, throwsAt: (call: number) => boolean): Promise<Outcome> {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  let latencyMs = 5
  let isReleaseLost = false
  const link = new Link(store, clock, ({ call }) =>
    isReleaseLost && call === 'release' ? 'lost' : latencyMs,
  )
  let calls = 0
  const called = () => {
    calls += 1
    if (throwsAt(calls)) throw new Error('the onlooker is broken')
  }
  const locker = locked(link, { clock, ...lookOn(called, clock) })
  const node = locker(path, { id: 'a', value: 1 })
  const rival = locked(new Link(store, clock), { clock })(path, { id: 'b', value: 2 })
  const states = new Set([leafIn(node.actor)])
  node.actor.subscribe(() => states.add(leafIn(node.actor)))
  const told: unknown[][] = []
  for (const [name, one] of Object.entries({ node, rival })) {
    for (const event of ['select', 'deselect', 'change', 'refresh', 'vacant', 'error'] as const) {
      one.on(event, (...given: unknown[]) => {
        const leaders = [node, rival].filter(({ isLeader }) => isLeader).length
        told.push([clock.now(), name, event, ...given, leaders])
      })
    }
  }
  const pass = (ms: number) => clock.advance(ms)

  void node.start()
  // The claim is carried out by then, and its answer is under way.
  await pass(3 * latencyMs + 1)
  link.cut()
  await pass(latencyMs)
  link.heal()
  await pass(6_000)
  void node.stop()
  await pass(1_000)
  latencyMs = 0
  link.cut()
  void node.start()
  await pass(6_000)
  link.heal()
  await pass(6_000)
  void rival.start()
  await pass(6_000)
  node.propose('another')
  await pass(1_000)
  link.cut()
  node.propose('a third')
  await pass(6_000)
  link.heal()
  await pass(6_000)
  link.freeze()
  await pass(12_000)
  link.cut()
  await pass(2_000)
  link.heal()
  await pass(12_000)
  link.cut()
  await pass(12_000)
  link.heal()
  await pass(2_000)
  store.put(path, 'junk')
  await pass(500)
  store.delete(path)
  await pass(2_000)
  const leader = node.isLeader ? node : rival
  leader.lead(() => clock.advance(1_000))
  void leader.stop()
  await pass(3_000)
  void leader.start()
  await pass(1_000)
  store.expire(String(store.leases()[0]?.id))
  await pass(2_000)
  void node.stop()
  await pass(3_000)
  void node.start()
  await pass(1_000)
  link.cut()
  node.propose('a fourth')
  await pass(6_000)
  link.heal()
  await pass(6_000)
  void rival.stop()
  const beside = locker('/beside', { id: 'c', value: 3 })
  void beside.start()
  await pass(1_000)
  // Its release is lost, while the node beside it keeps their session alive.
  latencyMs = 5
  isReleaseLost = true
  void node.stop()
  await pass(100)
  isReleaseLost = false
  await pass(12_000)
  void node.start()
  await pass(latencyMs)
  void node.stop()
  await pass(1_000)
  void beside.stop()
  void rival.start()
  await pass(1_000)
  void node.start()
  await pass(1_000)
  // It leads again, and two wait when it stops.
  const third = locked(new Link(store, clock), { clock })(path, { id: 'd', value: 4 })
  void rival.stop()
  await pass(1_000)
  void rival.start()
  void third.start()
  await pass(1_000)
  void node.stop()
  await pass(1_000)
  void third.stop()
  await pass(1_000)
  void node.start()
  await pass(1_000)
  const outcome = { told, leader: [node.isLeader, rival.isLeader], states }
  void node.stop()
  void rival.stop()
  await pass(1_000)
  expect([node.state, rival.state]).toEqual(['stopped', 'stopped'])
  expect([...store.entries(), ...store.leases()]).toEqual([])
  return { ...outcome, calls }
}

function leafIn(actor: ElectionActor): string {
  return leafOf(actor.getSnapshot().value)
}

/** Observes what it measures as soon as it may. */
function meterThat(called: Called): Meter {
  return {
    createCounter: () => {
      called()
      return { add: called }
    },
    createHistogram: () => {
      called()
      return { record: called }
    },
    createObservableGauge: () => {
      called()
      return {
        addCallback(callback) {
          called()
          queueMicrotask(() => callback({ observe: called }))
        },
        removeCallback: called,
      }
    },
  }
}

function clockThat(called: Called, clock: VirtualClock): Clock {
  return {
    now() {
      called()
      return clock.now()
    },
    wallNow() {
      called()
      return clock.wallNow()
    },
    setTimeout(callback, delayMs) {
      called()
      return clock.setTimeout(callback, delayMs)
    },
    clearTimeout(timer) {
      called()
      clock.clearTimeout(timer)
    },
  }
}
