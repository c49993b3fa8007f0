import { describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'
import { electionTestConfig, electionTestModel } from '../../src/testing/index.js'
import { leavesOf, transitionsOf } from '../paths/chart.js'
import { KITS } from './kits.js'
import { stage } from './stage.js'

describe.each(KITS)('$name makes paths of electionTestConfig that a node takes', (kit) => {
  const machine = kit.createMachine(electionTestConfig())
  const model = kit.createTestModel(machine)
  const everything = {
    states: [...leavesOf(machine)].sort(),
    transitions: [...transitionsOf(machine)].sort(),
  }

  test('the shortest, which take every transition', async () => {
    expect(await runAll(model.getShortestPaths())).toEqual(everything)
  })

  test('all simple ones, which take every transition', async () => {
    expect(await runAll(model.getSimplePaths())).toEqual(everything)
  })

  test('the same as those of electionTestModel', () => {
    const [ours, theirs] = [electionTestModel(), model].map((one) =>
      one.getSimplePaths().map(({ description }) => description),
    )
    expect(theirs).toEqual(ours)
  })
})

test('the transitions are those that an app can tell apart', () => {
  expect(transitionsOf(createMachine(electionTestConfig()))).toEqual([
    'idle start',
    'idle stop',
    'campaigning stop',
    'campaigning elected',
    'campaigning overtaken',
    'leader stop',
    'leader overtaken',
    'leader lost',
    'leader failed',
    'follower stop',
    'follower elected',
    'follower lost',
    'stopped start',
    'stopped stop',
  ])
})

interface Path {
  test(params: {
    events: Record<string, () => Promise<void>>
    states: Record<string, () => void>
  }): Promise<unknown>
}

/** Runs each path on a node of its own, and resolves with what the nodes went through. */
async function runAll(paths: readonly Path[]) {
  const states = new Set<string>()
  const transitions = new Set<string>()
  for (const path of paths) {
    const { node, events, states: checks } = stage()
    const noting = Object.entries(events).map(([type, cause]) => {
      const note = async () => {
        transitions.add(`${node.state} ${type}`)
        await cause()
        states.add(node.state)
      }
      return [type, note] as const
    })
    states.add(node.state)
    await path.test({ events: Object.fromEntries(noting), states: checks })
  }
  return { states: [...states].sort(), transitions: [...transitions].sort() }
}
