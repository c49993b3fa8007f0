import { expect, test } from 'vitest'
import type { Deposition, Schedule, Step } from '../../../verification/simulation/schedule.js'
import { simulateWith } from '../../../verification/simulation/simulate.js'
import { wrongs } from './wrongs.js'

/** One node leads and another one follows, in a process of its own; then this happens. */
function whileOneLeads(...steps: readonly Step[]): Schedule {
  const node = { ttl: 2, driftPermille: 0, workMs: 0 }
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

const ADVANCE_MS = 3_500

/** Three nodes, of which the last two share a process; the first one leads. Then this happens. */
function whileTwoWait(workMs: number, ...steps: readonly Step[]): Schedule {
  const node = { ttl: 2, driftPermille: 0, workMs }
  return {
    seed: 1,
    nodes: [0, 1, 1].map((process) => ({ ...node, process })),
    latencyMs: 5,
    lossPercent: 0,
    steps: [
      ...[0, 1, 2].flatMap((one): Step[] => [
        { kind: 'start', node: one },
        { kind: 'advance', ms: 100 },
      ]),
      { kind: 'advance', ms: ADVANCE_MS },
      ...steps,
      { kind: 'advance', ms: ADVANCE_MS },
    ],
  }
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
  [
    'installs a candidate in whatever reign it is',
    /n[12] and n[12] lead/,
    whileTwoWait(
      0,
      { kind: 'stop', node: 0 },
      // It has asked about the latest, hears nothing, and installs that one: of this the store learns late.
      { kind: 'advance', ms: 4 },
      { kind: 'freeze', node: 0 },
      { kind: 'advance', ms: ADVANCE_MS },
      { kind: 'heal', node: 0 },
    ),
  ],
  [
    'installs a candidate whose entry is gone',
    /after healing there are 0 leaders/,
    whileTwoWait(
      0,
      { kind: 'freeze', node: 0 },
      { kind: 'stop', node: 2 },
      { kind: 'stop', node: 0 },
      { kind: 'advance', ms: 100 },
      { kind: 'heal', node: 0 },
    ),
  ],
  [
    'leaves the entry of whoever is installed',
    /after healing there are 0 leaders/,
    whileTwoWait(
      0,
      { kind: 'transfer', to: 2 },
      { kind: 'advance', ms: 1_000 },
      { kind: 'stop', node: 2 },
      { kind: 'advance', ms: 1_000 },
      { kind: 'stop', node: 0 },
    ),
  ],
  [
    'does not hear that it was installed as it left',
    /after healing there are 0 leaders/,
    whileTwoWait(
      0,
      { kind: 'stop', node: 0 },
      { kind: 'advance', ms: 10 },
      { kind: 'stop', node: 2 },
    ),
  ],
  [
    'leaves its entry where it is',
    /after healing there are 0 leaders/,
    whileTwoWait(
      0,
      { kind: 'stop', node: 2 },
      { kind: 'advance', ms: 1_000 },
      { kind: 'stop', node: 0 },
    ),
  ],
  [
    'vacates the path though somebody waits',
    /n0 stops and leaves the path vacant/,
    whileTwoWait(0, { kind: 'stop', node: 0 }),
  ],
  [
    'hands over to another than was named',
    /n0 transfers and hands over to n1, and was to do so to n2/,
    whileTwoWait(0, { kind: 'transfer', to: 2 }),
  ],
  [
    'hands over while its work goes on',
    /n2 is elected while n0 still works/,
    whileTwoWait(500, { kind: 'stop', node: 0 }),
  ],
  [
    'begins another reign with each value',
    /saw token \d+ of n2 on \/simulated at revision \d+, where n2 reigned with \d+/,
    whileTwoWait(
      0,
      { kind: 'transfer', to: 2 },
      { kind: 'advance', ms: 1_000 },
      ...[1, 2, 3, 4].flatMap((): Step[] => [
        { kind: 'propose', node: 2 },
        { kind: 'advance', ms: 300 },
      ]),
    ),
  ],
  [
    'lets each node lead before it stops',
    /all stop, and there is n[12] elected to no purpose/,
    whileTwoWait(0, { kind: 'stopAll', again: [] }),
  ],
]

test.each(cases)('an election that %s is caught', async (name, fault, schedule) => {
  expect((await simulateWith({}, schedule)).faults).toEqual([])
  expect((await simulateWith(wrongs[name], schedule)).faults.join('\n')).toMatch(fault)
})
