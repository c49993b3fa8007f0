import { describe, expect, test } from 'vitest'
import { type AnyStateMachine, createActor } from 'xstate'
import { electionMachine } from '../../machines/election.js'
import { nameOf, transitionsOf } from './chart.js'
import { memoryServer } from './memory-server.js'
import { pathModel } from './model.js'
import { Coverage, describePath, runPath } from './run.js'
import { type ModelEvent, type TestMachine, testMachineFrom } from './test-machine.js'

type Config = Readonly<Record<string, unknown>>

/** However busy the machine is. */
const timeout = 120_000

describe('the shortest paths', { timeout }, () => {
  test('take every transition of the shipped machine', () => {
    expect(missedBy(testMachineFrom())).toEqual([])
  })

  test('are paths of a machine with the shipped one’s transitions', () => {
    expect(transitionsOf(testMachineFrom())).toEqual(transitionsOf(electionMachine))
  })

  const additions: readonly [
    added: string,
    at: readonly string[],
    change: Config,
    missed: string,
  ][] = [
    ['an event where it cannot come', ['follower'], on('renewed', {}), 'follower renewed'],
    ['a new event', ['leader'], on('demoted', { target: 'follower' }), 'leader demoted'],
    [
      'a branch that is never open',
      ['campaigning', 'claiming'],
      on('failed', [{ guard: 'isValid' }, { target: 'waiting', actions: 'countAttempt' }]),
      'campaigning.claiming failed #1',
    ],
    [
      'a transition at once that is never open',
      ['follower'],
      { always: { guard: 'isValid', target: 'campaigning' } },
      'follower always',
    ],
    [
      'a delay where nothing waits so long',
      ['follower'],
      { after: { backoff: { target: 'campaigning' } } },
      'follower backoff',
    ],
    ['a state that nothing leads to', [], { states: { lost: on('start', {}) } }, 'lost start'],
  ]
  test.each(additions)('fail with %s', (_, at, change, missed) => {
    expect(missedBy(testMachineFrom(changed(electionMachine.config, at, change)))).toEqual([missed])
  })
})

const contradictions: readonly [
  machine: string,
  at: readonly string[],
  change: Config,
  path: RegExp,
][] = [
  ['goes on leading', ['leader'], on('vacated', {}), /won.*vacated \(deleted\)$/],
  ['says nothing', ['leader'], { exit: [] }, /won.*expired \(frozen\)$/],
  ['stays', ['campaigning', 'claiming'], on('failed', {}), /^start.*failed \(no answer\)$/],
]
test.each(contradictions)(
  'a node does not pass as a machine that %s',
  { timeout },
  async (_, at, change, title) => {
    const machine = testMachineFrom(changed(electionMachine.config, at, change))
    const path = pathModel(machine, 'transitions')
      .getShortestPaths({ allowDuplicatePaths: true })
      .find((one) => title.test(describePath(one)))
    if (path === undefined) throw new Error(`no path is like ${title}`)
    const running = runPath(path, { machine, serve: memoryServer }, new Coverage())
    await expect(running).rejects.toThrow('expected')
  },
)

/** What the shortest paths do not take: they take whatever the world can bring about in any state. */
function missedBy(machine: TestMachine): string[] {
  const taken = new Set<string>()
  for (const { state, transitions } of Object.values(
    pathModel(machine, 'states').getAdjacencyMap(),
  )) {
    for (const { event } of Object.values<{ event: ModelEvent }>(transitions)) {
      const actor = createActor(machine as AnyStateMachine, {
        snapshot: state,
        inspect: (inspected) => {
          if (inspected.type !== '@xstate.microstep') return
          for (const transition of inspected._transitions) taken.add(nameOf(transition))
        },
      })
      actor.start().send(event)
      actor.stop()
    }
  }
  return transitionsOf(machine).filter((name) => !taken.has(name))
}

/** The config of a state with something more at the state that `at` leads to. */
function changed(config: Config, [child, ...at]: readonly string[], change: Config): Config {
  if (child === undefined) {
    const { on, states } = config
    return {
      ...config,
      ...change,
      ...(on === undefined ? {} : { on: { ...Object(on), ...Object(change.on) } }),
      ...(states === undefined ? {} : { states: { ...Object(states), ...Object(change.states) } }),
    }
  }
  const states = Object(config.states)
  return { ...config, states: { ...states, [child]: changed(states[child], at, change) } }
}

function on(event: string, branches: unknown): Config {
  return { on: { [event]: branches } }
}
