import { describe, expect, test } from 'vitest'
import type { SnapshotFrom } from 'xstate'
import { getAdjacencyMap } from 'xstate/graph'
import {
  MemoryCluster,
  type StatechartTestEvent,
  type StatechartTestMachine,
  statechartTestMachine,
} from '../../src/testing/index.js'
import { leafOf } from '../paths/chart.js'
import { KITS } from './kits.js'

type Snapshot = SnapshotFrom<StatechartTestMachine>

const PATH = '/statechart'
const OPTIONS = { value: 'host', ttl: 10 }
const machine = statechartTestMachine(OPTIONS)

/** What can happen to a node that is not stopped, with another node about, as far as a cluster in memory can say when. */
function eventsIn(snapshot: Snapshot): StatechartTestEvent[] {
  const { context } = snapshot
  const revision = context.revision + 1
  const lease = 'lease'
  const holder = (instance: string) => ({
    ...{ id: instance, value: 'host', instance },
    ...{ token: revision, session: lease },
  })
  const error = { name: 'Error', message: 'no answer' }
  const events: StatechartTestEvent[] = [
    { type: 'start' },
    { type: 'won', holder: holder(context.instance), validityMs: 1 },
    { type: 'held', holder: holder('rival'), revision, lease, entered: { value: 'host' } },
    { type: 'failed', error, lease },
    { type: 'backoff' },
    { type: 'courtesy' },
    ...(snapshot.matches('leader') ? [{ type: 'expired' } as const] : []),
    ...(snapshot.matches('follower') ? [{ type: 'vacated', revision } as const] : []),
  ]
  return events.filter((event) => snapshot.can(event))
}

/** As `createTestModel` has it by itself, each transition is a goal; the context is left out of it. */
function serializeState(state: Snapshot, event?: StatechartTestEvent, before?: Snapshot): string {
  return JSON.stringify([before?.value, event?.type, state.value])
}

/** Each state of the statechart with each event that can come in it. */
const ALL = Object.values(
  getAdjacencyMap(machine, {
    events: eventsIn,
    serializeState: ({ value }: Snapshot) => JSON.stringify(value),
  }),
)
  .flatMap(({ state, transitions }) =>
    Object.values<{ event: StatechartTestEvent }>(transitions).map(
      ({ event }) => `${leafOf(state.value)} ${event.type}`,
    ),
  )
  .sort()

describe.each(KITS)('$name makes paths of the statechart that a node takes', (kit) => {
  const model = kit.createTestModel(machine, { serializeState })

  test('the shortest, which take every transition', async () => {
    expect(await runAll(model.getShortestPaths({ events: eventsIn }))).toEqual(ALL)
  })

  test('all simple ones, which take every transition', async () => {
    expect(await runAll(model.getSimplePaths({ events: eventsIn }))).toEqual(ALL)
  })
})

test.each(KITS)('$name is told of events that it made up', (kit) => {
  const model = kit.createTestModel(machine, { serializeState, events: eventsIn })
  expect(() => model.getShortestPaths()).toThrow(
    /^statechartTestMachine: the event propose needs value\. Give the events that can come to getShort/,
  )
})

test('the transitions are those of a whole election', () => {
  expect(ALL).toEqual([
    'campaigning.claiming failed',
    'campaigning.claiming held',
    'campaigning.claiming won',
    'campaigning.waiting backoff',
    'campaigning.yielding courtesy',
    'follower.following vacated',
    'idle start',
    'leader.holding expired',
  ])
})

type Path = ReturnType<
  ReturnType<(typeof KITS)[number]['createTestModel']>['getShortestPaths']
>[number]

/** Runs each path on a node of its own, and resolves with the transitions that the nodes took. */
async function runAll(paths: readonly Path[]): Promise<string[]> {
  const taken = new Set<string>()
  for (const path of paths) {
    const { leaf, events } = stage()
    const noting = Object.entries(events).map(([type, cause]) => {
      const note = async () => {
        taken.add(`${leaf()} ${type}`)
        await cause()
      }
      return [type, note] as const
    })
    await path.test({
      events: Object.fromEntries(noting),
      states: { '*': ({ value }) => expect(leaf()).toBe(leafOf(value)) },
    })
  }
  return [...taken].sort()
}

/** A node in a cluster of its own, and how the events come about there. */
function stage() {
  const cluster = new MemoryCluster()
  const node = (id: string) => cluster.node(PATH, { id, ...OPTIONS })
  const ours = node('ours')
  let rival = node('rival')
  const leaf = () => leafOf(ours.actor.getSnapshot().value)
  /** Lets time pass until the node is in that state; if it never comes there, the comparison says so. */
  const until = async (state: string) => {
    for (let ms = 0; ms < 60_000 && leaf() !== state; ms += 1) await cluster.advance(1)
  }
  const events = {
    async start() {
      cluster.freeze(ours)
      void ours.start()
      await until('campaigning.claiming')
    },
    async won() {
      cluster.heal(ours)
      await until('leader.holding')
    },
    async held() {
      rival = node('rival')
      void rival.start()
      cluster.expire(PATH) // what the node itself may have left there
      await cluster.advance(1_000)
      cluster.heal(ours)
      await until('follower.following')
    },
    async failed() {
      await until('campaigning.waiting')
    },
    async backoff() {
      cluster.freeze(ours)
      await until('campaigning.claiming')
    },
    async expired() {
      cluster.freeze(ours)
      await until('campaigning.claiming')
    },
    async vacated() {
      cluster.kill(rival)
      cluster.expire(PATH)
      await until('campaigning.yielding')
    },
    async courtesy() {
      cluster.freeze(ours)
      await until('campaigning.claiming')
    },
  }
  return { leaf, events }
}
