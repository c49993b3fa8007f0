import { expect, test } from 'vitest'
import { DeniedError, RefusedError, TooLargeError, UnreachableError } from '../../../src/index.js'
import {
  HeldUpError,
  PermissionError,
  storeError,
  TokenError,
  TooManyOperationsError,
} from '../../../src/stores/etcd/errors.js'

const USER = { name: 'a:2379', user: 'jobs' }
const NOBODY = { name: 'a:2379' }

/** By the rule that stands in errors.ts. The words are those of etcd 3.4 to 3.7. */
test.each([
  ['16 UNAUTHENTICATED: etcdserver: invalid auth token', USER, TokenError],
  ['2 UNKNOWN: auth: revision in header is old', USER, TokenError],
  ['3 INVALID_ARGUMENT: etcdserver: revision of auth store is old', USER, TokenError],
  ['3 INVALID_ARGUMENT: etcdserver: user name is empty', USER, TokenError],
  ['3 INVALID_ARGUMENT: etcdserver: user name is empty', NOBODY, RefusedError],
  ['7 PERMISSION_DENIED: etcdserver: permission denied', USER, PermissionError],
  ['9 FAILED_PRECONDITION: etcdserver: user name not found', USER, PermissionError],
  [
    '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
    USER,
    RefusedError,
  ],
  ['8 RESOURCE_EXHAUSTED: etcdserver: too many requests', USER, HeldUpError],
  ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', USER, HeldUpError],
  [
    '3 INVALID_ARGUMENT: etcdserver: too many operations in txn request',
    USER,
    TooManyOperationsError,
  ],
  ['3 INVALID_ARGUMENT: etcdserver: request is too large', USER, TooLargeError],
  [
    '8 RESOURCE_EXHAUSTED: grpc: received message larger than max (3000147 vs. 2097152)',
    USER,
    TooLargeError,
  ],
  // What etcd has to tell is more than this client takes: fewer at once are asked for.
  [
    '8 RESOURCE_EXHAUSTED: Received message larger than max (4194320 vs 4194304)',
    USER,
    UnreachableError,
  ],
  ['14 UNAVAILABLE: etcdserver: leader changed', USER, UnreachableError],
  // Of a client of the user’s own, which does not go on without a login by itself.
  ['9 FAILED_PRECONDITION: etcdserver: authentication is not enabled', USER, UnreachableError],
])('%s', (message, at, Kind) => {
  const error = storeError('writing', new Error(message), at)
  expect(error.constructor).toBe(Kind)
  expect(error.message).toMatch(/^writing: /)
})

test('what is denied is a refusal to whoever asks once', () => {
  expect(new PermissionError('')).toBeInstanceOf(DeniedError)
  expect(new PermissionError('')).toBeInstanceOf(RefusedError)
})
