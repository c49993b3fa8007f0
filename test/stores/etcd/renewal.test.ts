import { describe, expect, test } from 'vitest'
import { confirmsRenewal } from '../../../src/stores/etcd/renewal.js'

const renewal = { member_id: 'm', raft_term: '2' }
const termsBefore = new Map([
  ['m', '2'],
  ['other', '7'],
])

describe('a renewal', () => {
  test('counts if its member was in the same term before it, in it and after it', () => {
    expect(confirmsRenewal(termsBefore, renewal, { raft_term: '2' })).toBe(true)
  })

  test.each([
    ['its member was not heard of before', new Map([['other', '2']]), '2'],
    ['its member was in another term before', new Map([['m', '1']]), '2'],
    ['the read after it was answered in another term', termsBefore, '3'],
  ])('does not count if %s', (_what, before, after) => {
    expect(confirmsRenewal(before, renewal, { raft_term: after })).toBe(false)
  })
})
