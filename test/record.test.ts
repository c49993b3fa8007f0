import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRecord, encodeRecord, holderFrom } from '../src/record.js'

describe('a record', () => {
  test('is JSON with id, value and instance', () => {
    const text = encodeRecord({ id: 'a', value: { x: [1] }, instance: 'i' })
    expect(JSON.parse(text)).toEqual({ id: 'a', value: { x: [1] }, instance: 'i' })
  })

  test('comes back as what it was', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.jsonValue({ noUnicodeString: false }),
        fc.string(),
        (id, value, instance) => {
          // JSON itself has no -0.
          const record = JSON.parse(JSON.stringify({ id, value, instance }))
          expect(decodeRecord(encodeRecord(record))).toStrictEqual(record)
        },
      ),
    )
  })

  test('is told from everything that is none, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        expect(decodeRecord(text)).toBe(null)
      }),
    )
  })

  test.each([
    ['nothing', ''],
    ['no JSON', '{"id":"a"'],
    ['a number', '10'],
    ['a string', '"a"'],
    ['null', 'null'],
    ['a list', '["a",1,"i"]'],
    ['no id', '{"value":1,"instance":"i"}'],
    ['no value', '{"id":"a","instance":"i"}'],
    ['no instance', '{"id":"a","value":1}'],
    ['an id that is no string', '{"id":1,"value":1,"instance":"i"}'],
    ['an instance that is no string', '{"id":"a","value":1,"instance":null}'],
    ['something behind it', '{"id":"a","value":1,"instance":"i"} junk'],
  ])('is not: %s', (_what, text) => {
    expect(decodeRecord(text)).toBe(null)
  })

  test('keeps nothing but its own three fields', () => {
    const text = '{"id":"a","value":null,"instance":"i","more":1}'
    expect(decodeRecord(text)).toStrictEqual({ id: 'a', value: null, instance: 'i' })
  })
})

describe('the holder', () => {
  test('is who wrote the record', () => {
    const text = encodeRecord({ id: 'a', value: false, instance: 'i' })
    expect(holderFrom({ text, token: 7, revision: 9, lease: '12' })).toStrictEqual({
      id: 'a',
      value: false,
      instance: 'i',
      token: 7,
      session: '12',
    })
  })

  test('has no id where there is no record, and the raw text as value', () => {
    expect(holderFrom({ text: '{"id":"a"}', token: 7, revision: 9, lease: null })).toStrictEqual({
      id: null,
      value: '{"id":"a"}',
      instance: null,
      token: 7,
      session: null,
    })
  })
})
