import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { print, write } from '../../src/cli/shown.js'
import { shown } from '../../src/shown.js'

/** As few terminals as may be show text as it stands, with these among it. */
const OBEYED = [
  '\x00\x07\x08\x0b\x0d\x1b\x7f',
  '\x80\x90\x9b\x9d\x9f',
  '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069',
  '\u2028\u2029\u00ad\u200b\u2060\ufeff\u{e0041}\ud800',
].join('')

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...OBEYED, 'a', '"', '\\', '\n', '\u{1f600}', '\udc00') }),
)

/** What a stream was given, as the bytes it makes of that. */
function written(
  isTTY: boolean,
  say: (output: { isTTY: boolean; write(text: string): void }) => void,
) {
  const parts: Buffer[] = []
  say({ isTTY, write: (text) => parts.push(Buffer.from(text)) })
  return Buffer.concat(parts)
}

describe('what is shown', () => {
  test('holds nothing that a terminal obeys or hides, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // By the numbers, and not by the same classes once more.
        for (const character of shown(text)) {
          const code = character.codePointAt(0) ?? 0
          if (code === 0x0a || code === 0x09) continue
          expect(code >= 0x20 && !(code >= 0x7f && code <= 0x9f)).toBe(true)
          expect(code >= 0x202a && code <= 0x202e).toBe(false)
          expect(code >= 0x2066 && code <= 0x2069).toBe(false)
          expect(code >= 0xd800 && code <= 0xdfff).toBe(false)
          expect([0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0xfeff]).not.toContain(code)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('is the text itself where there is nothing of that, and shown once more does not change', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(shown(shown(text))).toBe(shown(text))
        const plain = text.replace(/[^\p{L}\p{N}\p{P}\p{S}\p{Zs}\n\t]/gu, '')
        expect(shown(plain)).toBe(plain)
      }),
      { numRuns: 1_000 },
    )
    const persian = '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'
    const family = '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}'
    expect(shown(persian + family)).toBe(persian + family)
  })

  test('each such character is escaped as JSON does it', () => {
    for (const character of OBEYED) {
      expect(shown(`a${character}b`)).toMatch(/^a(\\u[\da-f]{4}){1,2}b$/)
      expect(JSON.parse(`"${shown(character)}"`)).toBe(character)
    }
  })

  test('of JSON is JSON, and means the same', () => {
    const values = fc.oneof(anyText, fc.jsonValue({ stringUnit: 'binary' }), fc.array(anyText))
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
        const json = JSON.stringify(value, null, indent)
        expect(JSON.parse(shown(json))).toEqual(JSON.parse(json))
      }),
      { numRuns: 1_000 },
    )
  })
})

test('a pipe gets the bytes as they are, a terminal what is shown', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(written(false, (output) => write(output, text)).equals(Buffer.from(text))).toBe(true)
      expect(written(false, (output) => print(output, text)).equals(Buffer.from(`${text}\n`))).toBe(
        true,
      )
      expect(written(true, (output) => print(output, text)).toString()).toBe(`${shown(text)}\n`)
    }),
  )
})
