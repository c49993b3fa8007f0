import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { equal } from '../../machines/equal.js'
import { assertJson } from '../../src/arguments.js'
import { formatValue } from '../../src/cli/demo/event.js'
import { shownHolder } from '../../src/cli/holder.js'
import { jsonLine, textLine } from '../../src/cli/observe/lines.js'
import { Board } from '../../src/dashboard/board.js'
import { InspectedProcess } from '../../src/dashboard/inspected-process.js'
import { showValue } from '../../src/dashboard/page/format.js'
import { PathSource } from '../../src/dashboard/path-source.js'
import { DEEPEST_MESSAGE } from '../../src/inspection/message.js'
import { DEEPEST_VALUE, parseJson } from '../../src/json.js'
import { LockedPathObserver } from '../../src/observing/path-observer.js'
import { decodeRecord, encodeRecord, holderFrom } from '../../src/record.js'
import type { ObserveListener, Sighting } from '../../src/stores/store.js'
import { canonicalJson } from '../../verification/history/canonical-json.js'
import { everythingOf } from '../dashboard/everything.js'
import { anything, json } from './anything.js'
import { inspectionMessage } from './inspection-message.js'

// Hundreds of texts, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const text = anything().map((bytes) => bytes.toString())

describe('what stands at a path', () => {
  test('is a record that can be written again as it was, or a text that is none', () => {
    const seen = { records: 0, others: 0 }
    fc.assert(
      fc.property(text, (one) => {
        const record = decodeRecord(one)
        const holder = holderFrom({ text: one, token: 7, revision: 9, lease: null })
        seen[record === null ? 'others' : 'records'] += 1
        if (record === null) {
          expect(holder).toEqual({ id: null, value: one, instance: null, token: 7, session: null })
          return
        }
        assertJson(record.value)
        const again = decodeRecord(encodeRecord(record))
        expect(again?.id).toBe(record.id)
        expect(again !== null && equal(again.value, record.value)).toBe(true)
        expect(again !== null && equal(structuredClone(again.value), record.value)).toBe(true)
        expect(Object.keys(holder).sort()).toEqual(
          [
            'id',
            'instance',
            'session',
            'token',
            'value',
            ...(record.released ? ['released'] : []),
          ].sort(),
        )
      }),
      { numRuns: 500 },
    )
    expect(Math.min(seen.records, seen.others)).toBeGreaterThan(40)
  })

  test('is printed, shown and compared, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
        const lines: string[] = []
        const observation = observed()
        observation.observer.on('change', (path, holder) => {
          for (const format of [jsonLine, textLine]) {
            lines.push(format('now', path, shownHolder(holder)))
          }
        })
        const board = new Board()
        const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name: 'etcd' })
        for (const [index, one] of [...texts, ...texts].entries()) {
          const entry = { text: one, token: 7, revision: 9 + index, lease: null }
          observation.see({ entry, revision: entry.revision })
          source.seen('/p', { entry, revision: entry.revision })
          const { value } = holderFrom(entry)
          expect(formatValue(value)).not.toMatch(/\p{Cc}/u)
          expect(showValue(value).length).toBeLessThan(100)
        }
        expect(lines.length).toBeGreaterThan(0)
        for (const line of lines) expect(line).not.toMatch(/[\n\r]/)
        const { log, paths } = everythingOf(board)
        expect(log.length).toBeLessThanOrEqual(2 * texts.length)
        for (const { details } of log) expect(details.length).toBeLessThan(5_000)
        expect(paths[0]?.holder?.token).toBe(7)
        JSON.stringify(everythingOf(board))
        board.close()
      }),
      { numRuns: 100 },
    )
  })
})

/** An observer of `/p`, and what has it see something there. */
function observed() {
  let listener: ObserveListener | null = null
  const observe = (given: ObserveListener) => {
    listener = given
    return { close: () => undefined }
  }
  const observer = new LockedPathObserver({ path: '/p', observe, left: () => undefined })
  return { observer, see: (sighting: Sighting) => listener?.seen('/p', sighting) }
}

describe('a message to the dashboard', () => {
  test('is shown or passed over, whatever it is', () => {
    vi.useFakeTimers()
    let shown = 0
    fc.assert(
      fc.property(fc.array(inspectionMessage(), { minLength: 1, maxLength: 5 }), (messages) => {
        const board = new Board()
        const inspected = new InspectedProcess(board, 'process')
        for (const one of messages) inspected.take(parseJson(one, DEEPEST_MESSAGE))
        shown += everythingOf(board).nodes.length
        JSON.stringify(everythingOf(board))
        board.close()
      }),
      { numRuns: 300 },
    )
    expect(shown).toBeGreaterThan(20)
    vi.useRealTimers()
  })
})

describe('values are equal', () => {
  const parsed = json.map((one): unknown => JSON.parse(one)).filter(isJson)

  test('when they are the same, whatever the order of their members', () => {
    fc.assert(
      fc.property(parsed, parsed, (one, other) => {
        expect(equal(one, other)).toBe(canonicalJson(one) === canonicalJson(other))
        expect(equal(one, reversed(one))).toBe(true)
        expect(equal([one], [one, one])).toBe(false)
      }),
    )
  })

  test.each([
    [[], {}],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }],
    [null, {}],
    [[null], [[]]],
    [JSON.parse('{"__proto__":1}'), { a: 1 }],
    [JSON.parse('{"toString":1}'), {}],
  ])('not: %j and %j', (one, other) => {
    expect([equal(one, other), equal(other, one)]).toEqual([false, false])
  })

  test('at any depth', () => {
    const [one, other] = [nested(100_000), nested(100_000)]
    expect(equal(one, other)).toBe(true)
    expect(equal(one, [other])).toBe(false)
  })
})

describe('a value of one’s own', () => {
  test(`may be nested ${DEEPEST_VALUE} levels deep, and comes back as what it was`, () => {
    const value = nested(DEEPEST_VALUE)
    assertJson(value)
    const record = decodeRecord(encodeRecord({ id: 'a', value, instance: 'i' }))
    expect(record !== null && equal(record.value, value)).toBe(true)
  })

  test.each([DEEPEST_VALUE + 1, 100_000])('is refused at once when nested %i deep', (levels) => {
    expect(() => assertJson(nested(levels))).toThrow(RangeError)
    expect(() => assertJson({ a: nested(levels) })).toThrow(
      /^value: must be nested at most 500 levels deep/,
    )
  })
})

test('a text of nothing but brackets is not even parsed', () => {
  const parse = vi.spyOn(JSON, 'parse')
  expect(decodeRecord('['.repeat(700_000) + ']'.repeat(700_000))).toBe(null)
  expect(
    decodeRecord(`{"id":"a","instance":"i","value":${'['.repeat(600)}${']'.repeat(600)}}`),
  ).toBe(null)
  expect(parse).not.toHaveBeenCalled()
  // Brackets in a string are none.
  const value = `${'[{'.repeat(2_000)}\\"`
  expect(decodeRecord(encodeRecord({ id: 'a', value, instance: 'i' }))?.value).toBe(value)
  parse.mockRestore()
})

type Json = Parameters<typeof equal>[0]

function isJson(given: unknown): given is Json {
  return given !== undefined
}

function nested(levels: number): Json {
  let value: Json = []
  for (let level = 1; level < levels; level += 1) value = [value]
  return value
}

function reversed(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(reversed)
  const members = Object.entries<Json>(value).map(([name, one]): [string, Json] => [
    name,
    reversed(one),
  ])
  return Object.fromEntries(members.reverse())
}
