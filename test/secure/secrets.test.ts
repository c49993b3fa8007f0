import { expect, test } from 'vitest'
import { expectNoSecrets } from './secrets.js'

test.each<[string, unknown]>([
  ['a text', 'my secret'],
  ['a property that is not listed', Object.defineProperty({}, 'x', { value: 'my secret' })],
  [
    'the cause of a cause',
    new Error('a', { cause: new Error('b', { cause: { deep: 'secret' } }) }),
  ],
  ['a message', new Error('the secret is out')],
  ['a map', new Map([[1, { x: ['secret'] }]])],
  ['bytes', { key: Buffer.from('a secret key') }],
  ['a property of a function', Object.assign(() => {}, { options: { password: 'secret' } })],
])('a secret in %s is found', (_where, told) => {
  expect(() => expectNoSecrets(told, ['secret'])).toThrow()
  expectNoSecrets(told, ['another'])
})
