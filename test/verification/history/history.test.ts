import { describe, expect, test } from 'vitest'
import {
  formatEntry,
  type HistoryEntry,
  HistoryError,
  parseHistory,
} from '../../../verification/history/history.js'

const common = { at: 10.5, path: '/leader', node: 'a', process: 'p' }

const entries: readonly HistoryEntry[] = [
  { ...common, kind: 'start', id: 'a', value: { deep: [1, null] } },
  { ...common, kind: 'stop' },
  { ...common, kind: 'propose', value: null },
  { ...common, kind: 'select', token: 9007199254740993n, value: 10, id: 'a' },
  { ...common, kind: 'deselect', reason: 'expired' },
  { ...common, kind: 'change', value: 10, nodeid: 'a', token: 7n, revision: 8n },
  { ...common, kind: 'change', value: 'junk', nodeid: null, token: null, revision: 9n },
  { ...common, kind: 'vacant' },
  { ...common, kind: 'sample', isLeader: true, since: 10.5 },
  { ...common, kind: 'sample', isLeader: false },
  { ...common, kind: 'stall', since: 3 },
  { ...common, kind: 'awake', since: 3 },
  { ...common, kind: 'exit' },
  { ...common, kind: 'replaced', since: 3 },
  { ...common, kind: 'wrote', value: 'junk', id: null },
]
const line = (fields: object): string => `${JSON.stringify({ ...common, ...fields })}\n`
const good = line({ kind: 'stop' })

describe('parseHistory', () => {
  test('gives back every kind of entry that was written', () => {
    expect(parseHistory(entries.map(formatEntry).join(''))).toEqual(entries)
  })

  test('reads tokens and revisions from strings and numbers', () => {
    const fields = { kind: 'change', value: 1, nodeid: 'a', token: 7, revision: '8' }
    expect(parseHistory(line(fields))).toMatchObject([{ token: 7n, revision: 8n }])
  })

  test('reads an empty history', () => {
    expect(parseHistory('')).toEqual([])
  })

  test('leaves out a last line that was torn, wherever it was torn', () => {
    const text = good + formatEntry({ ...common, kind: 'start', id: 'a', value: 'ü' })
    for (let length = good.length; length < text.length - 1; length++) {
      expect(parseHistory(text.slice(0, length))).toHaveLength(1)
    }
    expect(parseHistory(text.slice(0, -1))).toHaveLength(2)
  })

  const rejected: readonly (readonly [string, string, RegExp])[] = [
    ['a torn line before the last', `{"at":1,\n${good}`, /line 1: not JSON/],
    ['a torn line that has its newline', `${good}{"at":1,\n`, /line 2: not JSON/],
    ['an empty line', `${good}\n${good}`, /line 2: not JSON/],
    ['a last line that is JSON and no entry', `${good}{"at":1}`, /line 2: "path" must be a string/],
    ['an array', '[]\n', /line 1: not an object/],
    ['null', 'null\n', /line 1: not an object/],
    ['no kind', line({}), /line 1: "kind" must be a string, and is missing/],
    ['an unknown kind', line({ kind: 'won' }), /"kind" must be a kind of entry, and is "won"/],
    ['a time that is text', line({ kind: 'stop', at: '1' }), /"at" must be a number, and is "1"/],
    ['a time that is infinite', good.replace('10.5', '1e999'), /"at" must be a number/],
    ['a node that is a number', line({ kind: 'stop', node: 1 }), /"node" must be a string/],
    ['a process that is missing', good.replace('process', 'p'), /"process" must be a string/],
    ['a start without value', line({ kind: 'start', id: 'a' }), /"value" must be there/],
    ['a start without id', line({ kind: 'start', id: null, value: 1 }), /"id" must be a string/],
    ['a proposal without value', line({ kind: 'propose' }), /"value" must be there/],
    ['a token with a fraction', select(1.5), /"token" must be a revision.*, and is 1.5/],
    ['a token below zero', select(-1), /"token" must be a revision/],
    ['a token beyond the safe integers', select(2 ** 53), /"token" must be a revision/],
    ['a token that is no number', select('0x1'), /"token" must be a revision/],
    ['a token that is empty', select(''), /"token" must be a revision/],
    ['a token that is null at a select', select(null), /"token" must be a revision/],
    ['a deselect without reason', line({ kind: 'deselect' }), /"reason" must be a string/],
    ['a change without node id', change({ nodeid: undefined }), /"nodeid" must be a string/],
    ['a change without revision', change({ revision: null }), /"revision" must be a revision/],
    ['a sample that is not a boolean', line({ kind: 'sample', isLeader: 1 }), /"isLeader" must be/],
    ['true samples without since', line({ kind: 'sample', isLeader: true }), /"since" must be/],
    ['a stall that ends before it begins', line({ kind: 'stall', since: 11 }), /at most 10.5/],
    ['a replacement without since', line({ kind: 'replaced' }), /"since" must be/],
    ['a replacement that ends first', line({ kind: 'replaced', since: 11 }), /at most 10.5/],
    ['a process awake from no stall', line({ kind: 'awake' }), /"since" must be a number/],
    ['a write without id', line({ kind: 'wrote', value: 1 }), /"id" must be a string/],
  ]

  test.each(rejected)('rejects %s', (_what, text, message) => {
    expect(() => parseHistory(text)).toThrow(HistoryError)
    expect(() => parseHistory(text)).toThrow(message)
  })

  function select(token: unknown): string {
    return line({ kind: 'select', token, value: 1, id: 'a' })
  }

  function change(fields: object): string {
    return line({ kind: 'change', value: 1, nodeid: 'a', token: 1, revision: 1, ...fields })
  }
})
