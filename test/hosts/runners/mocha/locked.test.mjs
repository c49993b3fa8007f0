import assert from 'node:assert'
import { createRequire } from 'node:module'
import locked, { UnreachableError } from 'locked'

it('import gives what require gives', () => {
  const required = createRequire(import.meta.url)('locked')
  assert.equal(locked, required)
  assert.equal(UnreachableError, required.UnreachableError)
})
