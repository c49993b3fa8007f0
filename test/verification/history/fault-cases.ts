import type { HistoryEntry } from '../../../verification/history/history.js'
import type { Fault } from '../../../verification/history/report.js'
import { a, b, elsewhere, on, operator } from './entries.js'

/** A wrong history, the faults in it, and the right history that differs least from it. */
export interface Case {
  readonly title: string
  readonly wrong: readonly HistoryEntry[]
  readonly right: readonly HistoryEntry[]
  readonly faults: readonly (Partial<Fault> & Pick<Fault, 'kind'>)[]
}

const LARGE = '9007199254740993'
const reignOfA = [a.start(0), b.start(0), a.select(1, 7)]
const stalled = [a.select(0, 1), a.stall(100, 900)]

export const cases: readonly Case[] = [
  {
    title: 'two selected at once',
    wrong: [a.select(0, 1), b.select(10, 2), a.deselect(12.5), b.deselect(20)],
    right: [a.select(0, 1), b.select(12.5, 2), a.deselect(12.5), b.deselect(20)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 10, until: 12.5, lengthMs: 2.5 }],
  },
  {
    title: 'two selected, one within the time of the other',
    wrong: [a.select(0, 1), b.select(10, 2), b.deselect(10), a.deselect(20)],
    right: [a.select(0, 1), b.select(20, 2), b.deselect(20), a.deselect(20)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 10, lengthMs: 0 }],
  },
  {
    title: 'two selected until the history ends',
    wrong: [a.select(0, 1), b.select(10, 2), b.didNotLead(15)],
    right: [a.select(0, 1), elsewhere(b.select(10, 2)), b.didNotLead(15)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 10, until: 15, lengthMs: 5 }],
  },
  {
    title: 'a second one selected by the last entry',
    wrong: [a.select(0, 1), b.select(10, 2)],
    right: [a.select(0, 1), a.deselect(10), b.select(10, 2)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 10, lengthMs: 0 }],
  },
  {
    title: 'one selected before the process of the other is dead',
    wrong: [a.select(0, 1), b.select(10, 2), a.exit(11), b.deselect(20)],
    right: [a.select(0, 1), b.select(10, 2), a.exit(10), b.deselect(20)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 10, until: 11, lengthMs: 1 }],
  },
  {
    title: 'one selected while another process is dead than that of the leader',
    wrong: [a.select(0, 1), on('c').exit(5), b.select(10, 2), a.deselect(11)],
    right: [a.select(0, 1), a.exit(5), b.select(10, 2)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], lengthMs: 1 }],
  },
  {
    title: 'one selected before the stall that keeps the other from its deselect',
    wrong: [a.select(0, 1), a.stall(100, 900), b.select(99, 2), a.deselect(905)],
    right: [a.select(0, 1), a.stall(100, 900), b.select(100, 2), a.deselect(905)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 99, until: 100, lengthMs: 1 }],
  },
  {
    title: 'a deselect of a process that is awake again',
    wrong: [...stalled, b.select(500, 2), a.awake(100, 905), a.deselect(905.5)],
    right: [...stalled, b.select(500, 2), a.awake(100, 905), a.deselect(905)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 500, until: 905.5 }],
  },
  {
    title: 'a deselect of a process that is awake from the stall that it was in, not from another',
    wrong: [...stalled, b.select(500, 2), a.stall(910, 990), a.awake(100, 991), a.deselect(992)],
    right: [...stalled, b.select(500, 2), a.stall(910, 990), a.awake(910, 991), a.deselect(992)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 500, until: 910 }],
  },
  {
    title: 'a late deselect from a leadership that began after its process had last run',
    wrong: [a.stall(100, 900), a.select(901, 1), b.select(910, 2), a.deselect(920)],
    right: [a.stall(100, 900), a.select(100, 1), b.select(910, 2), a.deselect(920)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 910, until: 920 }],
  },
  {
    title: 'a stall of another process than that of the late leader',
    wrong: [a.select(0, 1), b.stall(100, 900), b.select(950, 2), a.deselect(960)],
    right: [a.select(0, 1), a.stall(100, 900), b.select(950, 2), a.deselect(960)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 950 }],
  },
  {
    title: 'a leader that was running before it was killed',
    wrong: [a.select(0, 1), a.stall(100, 200), a.awake(100, 201), b.select(500, 2), a.exit(900)],
    right: [a.select(0, 1), a.stall(100, 900), b.select(500, 2), a.exit(900)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 500, until: 900 }],
  },
  {
    title: 'a leader that was running when the history ended',
    wrong: [a.select(0, 1), a.stall(100, 300), a.awake(100, 301), b.select(500, 2)],
    right: [a.select(0, 1), a.stall(100, 500), b.select(500, 2)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 500 }],
  },
  {
    title: 'two sampled as leader at once',
    wrong: [a.led(0, 15), b.led(10, 20)],
    right: [a.led(0, 10), b.led(10, 20)],
    faults: [{ kind: 'two-sampled', nodes: ['a', 'b'], at: 10, until: 15, lengthMs: 5 }],
  },
  {
    title: 'a single sample within the samples of another',
    wrong: [a.led(0, 15), b.led(10, 10)],
    right: [a.led(0, 15), b.led(15, 15)],
    faults: [{ kind: 'two-sampled', nodes: ['a', 'b'], at: 10, lengthMs: 0 }],
  },
  {
    title: 'a sample as leader on waking from a stall',
    wrong: [a.led(0, 100), a.stall(100, 900), b.led(500, 950), a.led(905, 905)],
    right: [a.led(0, 100), a.stall(100, 900), b.led(500, 950), a.didNotLead(905)],
    faults: [{ kind: 'two-sampled', nodes: ['b', 'a'], at: 905, lengthMs: 0 }],
  },
  {
    title: 'a token that stays the same',
    wrong: [a.select(0, 7), a.deselect(5), b.select(10, 7)],
    right: [a.select(0, 7), a.deselect(5), b.select(10, 8)],
    faults: [
      { kind: 'token-not-grown', node: 'b', token: '7', highest: { token: '7', node: 'a', at: 0 } },
    ],
  },
  {
    title: 'a token that falls, by number and not by letter',
    wrong: [a.select(0, '10'), a.deselect(5), b.select(10, '9')],
    right: [a.select(0, '9'), a.deselect(5), b.select(10, '10')],
    faults: [{ kind: 'token-not-grown', node: 'b', token: '9' }],
  },
  {
    title: 'tokens too large for a number',
    wrong: [a.select(0, '9007199254740993'), a.deselect(5), b.select(10, 9007199254740992n)],
    right: [a.select(0, '9007199254740992'), a.deselect(5), b.select(10, 9007199254740993n)],
    faults: [{ kind: 'token-not-grown', token: '9007199254740992' }],
  },
  {
    title: 'a token above the last, but not above all before',
    wrong: [5, 3, 4].flatMap((token, i) => [a.select(i * 10, token), a.deselect(i * 10 + 5)]),
    right: [3, 4, 5].flatMap((token, i) => [a.select(i * 10, token), a.deselect(i * 10 + 5)]),
    faults: [
      { kind: 'token-not-grown', token: '3' },
      { kind: 'token-not-grown', token: '4' },
    ],
  },
  {
    title: 'a token that has not grown on the same path',
    wrong: [a.select(0, 2), a.deselect(5), b.select(10, 1)],
    right: [a.select(0, 2), a.deselect(5), elsewhere(b.select(10, 1))],
    faults: [{ kind: 'token-not-grown', node: 'b' }],
  },
  {
    title: 'an earlier token of a reign that has begun',
    wrong: [...reignOfA, b.change(2, 7, 'a', 'a', 3)],
    right: [...reignOfA, b.change(2, 7, 'a', 'a', 7)],
    faults: [{ kind: 'token-differs', node: 'b', at: 2, token: '3', reign: '7' }],
  },
  {
    title: 'an earlier token told at the same revision, and not before it',
    wrong: [...reignOfA, b.change(2, 7, 'a', 'a', 6)],
    right: [...reignOfA, b.change(2, 6, 'a', 'a', 6)],
    faults: [{ kind: 'token-differs', token: '6', reign: '7' }],
  },
  {
    title: 'the revision of a proposal as token',
    wrong: [...reignOfA, a.change(3, 9, 'a', 'a', 7), b.change(2, 9, 'a', 'a', 9)],
    right: [...reignOfA, a.change(3, 9, 'a', 'a', 7), b.change(2, 9, 'a', 'a', 7)],
    faults: [{ kind: 'token-differs', node: 'b', token: '9', reign: '7' }],
  },
  {
    title: 'a later token while the reign is known to last, not of one that nobody tells of',
    wrong: [...reignOfA, a.change(3, 9, 'a', 'a', 7), b.change(4, 9, 'b', 'b', 9)],
    right: [...reignOfA, a.change(3, 8, 'a', 'a', 7), b.change(4, 9, 'b', 'b', 9)],
    faults: [{ kind: 'token-differs', node: 'b', token: '9', reign: '7' }],
  },
  {
    title: 'another token that a leader tells of its own reign',
    wrong: [...reignOfA, a.change(3, 9, 'a', 'a', 9), a.deselect(4)],
    right: [...reignOfA, a.deselect(3), a.change(3, 9, 'a', 'a', 9)],
    faults: [{ kind: 'token-differs', node: 'a', token: '9', reign: '7' }],
  },
  {
    title: 'a token of a claim in a reign that was handed over',
    wrong: [...reignOfA, a.deselect(4), b.select(5, 9), a.change(6, 10, 'b', 'b', 7)],
    right: [...reignOfA, a.deselect(4), b.select(5, 9), a.change(6, 10, 'b', 'b', 9)],
    faults: [{ kind: 'token-differs', node: 'a', token: '7', reign: '9' }],
  },
  {
    title: 'a token that differs by less than a number can tell',
    wrong: [a.start(0), a.select(1, LARGE), b.change(2, LARGE, 'a', 'a', '9007199254740992')],
    right: [a.start(0), a.select(1, LARGE), b.change(2, LARGE, 'a', 'a', LARGE)],
    faults: [{ kind: 'token-differs', token: '9007199254740992', reign: LARGE }],
  },
  {
    title: 'an earlier token that no operator wrote',
    wrong: [...reignOfA, operator.wrote(1, 'x', 'a'), b.change(2, 8, 'a', 'a', 6)],
    right: [...reignOfA, operator.wrote(1, 'x', 'a'), b.change(2, 8, 'x', 'a', 6)],
    faults: [{ kind: 'token-differs', token: '6' }],
  },
  {
    title: 'an earlier token of a record, not of junk',
    wrong: [...reignOfA, operator.wrote(1, 'a', null), b.change(2, 8, 'a', 'a', 6)],
    right: [...reignOfA, operator.wrote(1, 'a', null), b.change(2, 8, 'a', null, 6)],
    faults: [{ kind: 'token-differs', token: '6' }],
  },
  {
    title: 'an earlier token in the same history, and on the same path',
    wrong: [...reignOfA, b.change(2, 7, 'a', 'a', 6), operator.replaced(5, 10)],
    right: [...reignOfA, operator.replaced(5, 10), b.change(11, 7, 'a', 'a', 6)],
    faults: [{ kind: 'token-differs', at: 2 }],
  },
  {
    title: 'a change to a value that nobody has',
    wrong: [a.start(0, 10), b.change(5, 1, '10', 'a')],
    right: [a.start(0, 10), b.change(5, 1, 10, 'a')],
    faults: [{ kind: 'unwritten-change', node: 'b', at: 5, value: '10', nodeid: 'a' }],
  },
  {
    title: 'a change to the value of another node',
    wrong: [a.start(0), b.start(0), b.change(5, 1, 'b', 'a')],
    right: [a.start(0), b.start(0), b.change(5, 1, 'b', 'b')],
    faults: [{ kind: 'unwritten-change', value: 'b', nodeid: 'a' }],
  },
  {
    title: 'a change on another path',
    wrong: [a.start(0), elsewhere(b.change(5, 1, 'a', 'a'))],
    right: [elsewhere(a.start(0)), elsewhere(b.change(5, 1, 'a', 'a'))],
    faults: [{ kind: 'unwritten-change', path: '/elsewhere' }],
  },
  {
    title: 'a change that comes before the proposal',
    wrong: [a.start(0), a.propose(6, { x: 1, y: 2 }), b.change(5, 1, { y: 2, x: 1 }, 'a')],
    right: [a.start(0), a.propose(5, { x: 1, y: 2 }), b.change(5, 1, { y: 2, x: 1 }, 'a')],
    faults: [{ kind: 'unwritten-change', at: 5 }],
  },
  {
    title: 'junk that no operator wrote',
    wrong: [operator.wrote(4, 'junk', 'b'), b.change(5, 1, 'junk', null)],
    right: [operator.wrote(4, 'junk', null), b.change(5, 1, 'junk', null)],
    faults: [{ kind: 'unwritten-change', value: 'junk', nodeid: null }],
  },
  {
    title: 'a revision that goes back at a node',
    wrong: [a.start(0), b.change(5, '10', 'a', 'a'), b.change(6, '9', 'a', 'a')],
    right: [a.start(0), b.change(5, '9', 'a', 'a'), b.change(6, '10', 'a', 'a')],
    faults: [{ kind: 'revision-went-back', node: 'b', at: 6, revision: '9', highest: '10' }],
  },
  {
    title: 'a revision that goes back at the same node',
    wrong: [a.start(0), a.change(5, 2, 'a', 'a'), a.change(6, 1, 'a', 'a')],
    right: [a.start(0), a.change(5, 2, 'a', 'a'), b.change(6, 1, 'a', 'a')],
    faults: [{ kind: 'revision-went-back', node: 'a' }],
  },
  {
    title: 'a select of a node that is selected',
    wrong: [a.select(0, 1), a.select(10, 2)],
    right: [a.select(0, 1), a.deselect(5), a.select(10, 2)],
    faults: [{ kind: 'selected-twice', node: 'a', at: 10, since: 0 }],
  },
  {
    title: 'a deselect of a node that is not selected',
    wrong: [a.select(0, 1), a.deselect(5), a.deselect(6)],
    right: [a.select(0, 1), a.deselect(5)],
    faults: [{ kind: 'deselect-without-select', node: 'a', at: 6 }],
  },
  {
    title: 'a process that goes on after its exit',
    wrong: [a.start(0), a.exit(5), a.didNotLead(6), a.stop(7)],
    right: [a.start(0), a.exit(7), a.didNotLead(6), a.stop(7)],
    faults: [{ kind: 'outlived-exit', process: 'process of a', at: 6, exitedAt: 5 }],
  },
  {
    title: 'more than the first instant shared by samples of two nodes',
    wrong: [a.led(0, 15), b.led(0, 1)],
    right: [a.led(0, 15), b.led(0, 0)],
    faults: [{ kind: 'two-sampled', nodes: ['b', 'a'], at: 0, until: 1 }],
  },
  {
    title: 'more than the first instant shared by a leader that then stood still',
    wrong: [a.select(0, 1), b.select(0, 2), a.deselect(9), b.stall(1, 900), b.deselect(901)],
    right: [a.select(0, 1), b.select(0, 2), a.deselect(9), b.stall(0, 900), b.deselect(901)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 0, until: 1 }],
  },
  {
    title: 'samples at once of two nodes, not of one node twice',
    wrong: [a.led(0, 15), b.led(10, 20)],
    right: [a.led(0, 15), a.led(10, 20)],
    faults: [{ kind: 'two-sampled', nodes: ['a', 'b'] }],
  },
  {
    title: 'a change before the first of two proposals of its value',
    wrong: [a.start(0), a.propose(6, 'x'), b.change(5, 1, 'x', 'a'), a.propose(7, 'x')],
    right: [a.start(0), a.propose(4, 'x'), b.change(5, 1, 'x', 'a'), a.propose(7, 'x')],
    faults: [{ kind: 'unwritten-change', at: 5 }],
  },
  {
    title: 'a process that goes on after the first of two exits',
    wrong: [a.start(0), a.exit(5), a.didNotLead(6), a.exit(9)],
    right: [a.start(0), a.exit(6), a.didNotLead(6), a.exit(9)],
    faults: [{ kind: 'outlived-exit', at: 6, exitedAt: 5 }],
  },
  {
    title: 'an old leader beside the new for more than 1 s after the history was replaced',
    wrong: [a.select(0, 7), operator.replaced(5, 10), b.select(11, 2), a.deselect(1010.5)],
    right: [a.select(0, 7), operator.replaced(5, 10), b.select(11, 2), a.deselect(1010)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 11, until: 1010.5 }],
  },
  {
    title: 'two sampled for more than 1 s after the history was replaced',
    wrong: [...replacedUnder(a), a.led(0, 1012), b.led(11, 1012)],
    right: [...replacedUnder(a), a.led(0, 1010), b.led(11, 1012)],
    faults: [{ kind: 'two-sampled', nodes: ['a', 'b'], at: 11, until: 1012 }],
  },
  {
    title: 'two leaders of the history before it was replaced',
    wrong: [a.select(0, 1), b.select(4, 2), operator.replaced(5, 10), a.deselect(11)],
    right: [a.select(0, 1), b.select(5, 2), operator.replaced(5, 10), a.deselect(11)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 4, until: 11 }],
  },
  {
    title: 'two leaders of the history that replaced another',
    wrong: [operator.replaced(5, 10), a.select(11, 1), b.select(12, 2), a.deselect(13)],
    right: [operator.replaced(5, 10), a.select(10, 1), b.select(12, 2), a.deselect(13)],
    faults: [{ kind: 'two-selected', nodes: ['a', 'b'], at: 12, until: 13 }],
  },
  {
    title: 'two sampled in the history that replaced another',
    wrong: [operator.replaced(5, 10), a.select(11, 1), a.led(11, 20), b.led(15, 15)],
    right: [operator.replaced(5, 10), a.select(11, 1), a.led(11, 20), a.led(15, 15)],
    faults: [{ kind: 'two-sampled', nodes: ['a', 'b'], at: 15 }],
  },
  {
    title: 'a token that falls before the history is replaced',
    wrong: [a.select(0, 7), a.deselect(4), b.select(4, 2), operator.replaced(5, 10)],
    right: [a.select(0, 7), a.deselect(4), b.select(5, 2), operator.replaced(5, 10)],
    faults: [{ kind: 'token-not-grown', node: 'b', token: '2' }],
  },
  {
    title: 'a token that falls twice although the history was replaced once',
    wrong: [operator.replaced(5, 5), ...[7, 4, 3].flatMap(oneAfterTheOther)],
    right: [
      operator.replaced(5, 5),
      operator.replaced(6, 6),
      ...[7, 4, 3].flatMap(oneAfterTheOther),
    ],
    faults: [{ kind: 'token-not-grown', token: '3' }],
  },
  {
    title: 'a token that falls in a history that had begun with one that had grown',
    wrong: [...replacedUnder(b), a.select(2000, 9), a.deselect(2001), a.select(2002, 8)],
    right: [...replacedUnder(b), a.select(2000, 5), a.deselect(2001), a.select(2002, 8)],
    faults: [{ kind: 'token-not-grown', token: '8' }],
  },
  {
    title: 'a revision that falls twice at a node although the history was replaced once',
    wrong: [a.start(0), operator.replaced(0, 1), ...[9, 8, 7].map(seenByB)],
    right: [a.start(0), operator.replaced(0, 1), ...[9, 8, 8].map(seenByB)],
    faults: [{ kind: 'revision-went-back', node: 'b', revision: '7', highest: '8' }],
  },
  {
    title: 'a revision that falls at a node before the history is replaced',
    wrong: [a.start(0), operator.replaced(3.5, 4), ...[9, 8].map(seenByB)],
    right: [a.start(0), operator.replaced(2.5, 4), ...[9, 8].map(seenByB)],
    faults: [{ kind: 'revision-went-back', node: 'b', revision: '8', highest: '9' }],
  },
  {
    title: 'a change that nobody had written before the backup either',
    wrong: [a.start(7), operator.replaced(5, 6), b.change(6.5, 1, 'a', 'a')],
    right: [a.start(0), operator.replaced(5, 6), b.change(6.5, 1, 'a', 'a')],
    faults: [{ kind: 'unwritten-change', at: 6.5 }],
  },
]

/** Led by one node when the history is replaced, and by `b` from the new one on. */
function replacedUnder(leader: typeof a): HistoryEntry[] {
  const old = leader.select(0, 7)
  return [old, leader.deselect(9), operator.replaced(5, 10), b.select(11, 2), b.deselect(1500)]
}

function oneAfterTheOther(token: number, index: number): HistoryEntry[] {
  return [a.select(index * 10, token), a.deselect(index * 10 + 5)]
}

function seenByB(revision: number, index: number): HistoryEntry {
  return b.change(index + 2, revision, 'a', 'a')
}
