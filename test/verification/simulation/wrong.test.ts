import { expect, test } from 'vitest'
import type { Deposition, Schedule, Step } from '../../../verification/simulation/schedule.js'
import { simulateWith } from '../../../verification/simulation/simulate.js'
import { wrongs } from './wrongs.js'

/** One node leads and another one follows, in a process of its own; then this happens. */
function whileOneLeads(...steps: readonly Step[]): Schedule {
  const node = { ttl: 2, driftPermille: 0 }
  return {
    seed: 1,
    nodes: [
      { ...node, process: 0 },
      { ...node, process: 1 },
    ],
    latencyMs: 5,
    lossPercent: 0,
    steps: [
      { kind: 'start', node: 0 },
      { kind: 'advance', ms: 100 },
      { kind: 'start', node: 1 },
      { kind: 'advance', ms: 600 },
      ...steps,
      { kind: 'advance', ms: 4_000 },
    ],
  }
}

function deposed(how: Deposition, ms: number, silentMs: number): Schedule {
  return whileOneLeads({ kind: 'depose', node: 0, how, ms, silentMs })
}

const cases: readonly [keyof typeof wrongs, RegExp, Schedule][] = [
  ['counts a renewal that no read confirmed', /n0 and n1 lead/, deposed('isolated', 4_000, 0)],
  ['counts a renewal that no read confirmed', /n0 and n1 lead/, deposed('frozen', 1_000, 3_000)],
  ['counts a renewal that any read confirmed', /n0 and n1 lead/, deposed('isolated', 4_000, 0)],
  ['ignores the term before a renewal', /n0 and n1 lead/, deposed('asked', 1_000, 3_000)],
  [
    'keeps what it knew when the history was replaced',
    /n0 leads without a session/,
    whileOneLeads({ kind: 'lose' }),
  ],
  [
    'keeps what it knew when the history was replaced',
    /n0 leads in history 1, elected in 0/,
    whileOneLeads({ kind: 'backup' }, { kind: 'restoreBumped' }),
  ],
  [
    'leads where a snapshot was taken of a leader',
    /n0' leads without a session/,
    whileOneLeads({ kind: 'revive', node: 0 }),
  ],
  [
    'leads on when its actor has ended in an error',
    /n0 and n1 lead/,
    whileOneLeads({ kind: 'crash', node: 0 }),
  ],
]

test.each(cases)('an election that %s is caught', async (name, fault, schedule) => {
  expect((await simulateWith({}, schedule)).faults).toEqual([])
  expect((await simulateWith(wrongs[name], schedule)).faults.join('\n')).toMatch(fault)
})
