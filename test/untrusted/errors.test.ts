import { formatWithOptions, inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ActorError, errorFrom, LockedError, RefusedError, WorkError } from '../../src/errors.js'
import { storeError } from '../../src/stores/etcd/errors.js'
import { errorOf } from '../../src/stores/etcd-v2/errors.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

const piece = fc.constantFrom(
  '\x1b]52;c;ZXZpbA==\x07',
  '\x1b[2J',
  '\x9b2J',
  '\r\x08\x7f',
  '\u202eevil\u2066',
  '\u2028',
  'permission denied',
  'authentication failed',
  'evil',
)
/** Node.js’s own errors are of another realm than an app’s that Jest runs. */
const Foreign: ErrorConstructor = runInNewContext('Error')

const hostile = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''))

/** An error as gRPC makes it of what a server answers, and others that hold it. */
const thrown: fc.Arbitrary<unknown> = fc.letrec<{ thrown: unknown }>((tie) => ({
  thrown: fc.oneof(
    { maxDepth: 3 },
    hostile,
    fc
      .tuple(hostile, hostile)
      .map(([message, details]) =>
        Object.assign(new Error(`14 UNAVAILABLE: ${message}`), { code: 14, details }),
      ),
    fc.record({ text: hostile, key: hostile }).map(({ text, key }) => ({ [key]: text })),
    fc
      .tuple(hostile, tie('thrown'), fc.constantFrom(Error, Foreign))
      .map(([message, cause, Kind]) => new Kind(message, { cause })),
    fc
      .tuple(hostile, fc.array(tie('thrown'), { maxLength: 3 }))
      .map(([message, errors]) => new AggregateError(errors, message)),
    hostile.map((name) => Object.assign(new TypeError('x'), { name, stack: `${name}\n    at y` })),
    fc.tuple(hostile, tie('thrown')).map(([path, cause]) => new WorkError(path, { path, cause })),
  ),
})).thrown

/** Each way in which an error of ours comes to hold what others wrote. */
const foreign = thrown.filter((given) => !(given instanceof LockedError))
const ofStore = fc.oneof(
  fc.tuple(hostile, foreign).map(([doing, given]) => storeError(doing, given)),
  fc
    .tuple(hostile, foreign)
    .map(([user, given]) => storeError('writing', given, { name: user, user })),
  fc.tuple(hostile, foreign).map(([doing, given]) => errorOf(doing, given, false)),
)
const ours = fc.oneof(
  ofStore,
  fc
    .tuple(hostile, hostile, thrown)
    .map(([path, nodeId, cause]) => new ActorError(`${path}`, { path, nodeId, cause })),
  hostile.map((message) => new RefusedError(message)),
  thrown.map((given) => new RefusedError('refused', { cause: errorFrom(given) })),
)

test('an error holds nothing that a terminal obeys, however it is printed', () => {
  fc.assert(
    fc.property(ours, (error) => {
      const printed = [
        String(error),
        error.message,
        error.stack,
        inspect(error),
        inspect(error, { depth: null, colors: true, showHidden: true }),
        // As console.error writes it on a terminal.
        formatWithOptions({ colors: true }, error),
        formatWithOptions({}, 'it failed: %o', error),
        inspect([{ error }], { depth: null }),
        inspect(new AggregateError([error], 'all of them')),
        inspect(new Error('outer', { cause: error })),
      ]
      for (const text of printed) expect(uncoloured(text ?? '')).not.toMatch(OBEYED)
      expect(inspect(error)).toContain(error.name)
    }),
    { numRuns: 300 },
  )
})

test('nor does one of a store where nobody catches it, though Node.js prints its causes as they are', () => {
  fc.assert(
    fc.property(ofStore, (error) => {
      for (const text of inspect(error, { customInspect: false, depth: null }).split('\n')) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
        expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
      }
      for (let at: unknown = error; at instanceof Error; at = at.cause) {
        expect(`${at.message}${at.stack}`).not.toMatch(OBEYED)
      }
    }),
    { numRuns: 300 },
  )
})

test('is printed with its cause and its place all the same', () => {
  const cause = new Error('14 UNAVAILABLE: no answer')
  const text = inspect(new RefusedError('reading /a', { path: '/a', nodeId: 'one', cause }))
  expect(text).toMatch(/^RefusedError: reading \/a\n {4}at /)
  expect(text).toContain("path: '/a'")
  expect(text).toContain("nodeId: 'one'")
  expect(text).toMatch(/\[cause\]: Error: 14 UNAVAILABLE: no answer\n/)
})

/** What colours whatever prints an error, which it gives its own parts. */
function uncoloured(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replaceAll(/\x1b\[\d+m/g, '')
}
