import { describe, expect, test } from 'vitest'
import locked from '../../../src/index.js'
import { isEtcdjs, viewOf } from '../../../src/stores/etcd-v2/client.js'
import { etcdjs } from '../../etcd/etcdjs.js'

describe('an etcdjs object', () => {
  test('is recognised by what it can do', () => {
    expect(isEtcdjs(etcdjs('127.0.0.1:4001'))).toBe(true)
    expect(isEtcdjs({ get() {}, set() {}, del() {} })).toBe(false)
  })

  test('that took several hosts for one is an error that shows the list form', () => {
    const client = etcdjs('127.0.0.1:4001, http://user:secret@127.0.0.1:4002')
    expect(() => locked(client)).toThrow(
      new TypeError(
        "hosts: this etcdjs object takes several hosts for one, because etcdjs does not split a comma-separated string; give it a list: etcdjs(['127.0.0.1:4001', '127.0.0.1:4002'])",
      ),
    )
  })

  test('makes nodes whose guard says that v2 has no transactions', () => {
    const node = locked(etcdjs(['127.0.0.1:4001']))('/guarded', { value: 1 })
    expect(() => node.guard()).toThrow(/v2 API has none/)
  })

  test('is left as it is by what is asked of it', () => {
    const client = etcdjs(['127.0.0.1:4001', '127.0.0.1:4002'], { json: true, timeout: 1_000 })
    const before = { ...client }
    viewOf(client, [], { timeoutMs: 100 })
    expect({ ...client }).toEqual(before)
  })
})
