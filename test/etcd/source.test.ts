import { describe, expect, test } from 'vitest'
import { useRunning } from './running.js'
import { findEtcd } from './source.js'

describe('where the tests get etcd from', () => {
  test('a running etcd comes first', async () => {
    const source = await findEtcd({ LOCKED_TEST_ETCD: '127.0.0.1:2379, http://b:2379' })
    expect(source).toEqual({ from: 'running', endpoints: ['127.0.0.1:2379', 'b:2379'] })
  })

  test('with none, the error says what was tried and what to do', async () => {
    const none = findEtcd({ LOCKED_TEST_ETCD_FROM: 'path', PATH: '/nowhere' })
    await expect(none).rejects.toThrow(/path: .*ENOENT/)
    await expect(none).rejects.toThrow(/apt-get install etcd-server/)
    await expect(none).rejects.toThrow(/unset LOCKED_TEST_ETCD_FROM/)
  })

  test('an unknown source is refused by name', async () => {
    await expect(findEtcd({ LOCKED_TEST_ETCD_FROM: 'moon' })).rejects.toThrow(
      "LOCKED_TEST_ETCD_FROM must be one of docker, path, package, and is 'moon'",
    )
  })
})

describe('a running etcd', () => {
  test('is used as it is', () => {
    const cluster = useRunning(['a:1', 'b:2', 'c:3'], 3, {})
    expect(cluster.endpoints).toEqual(['a:1', 'b:2', 'c:3'])
  })

  test('is not broken', async () => {
    const [member] = useRunning(['a:1'], 1, {}).members
    await expect(member?.kill()).rejects.toThrow(/Cannot kill a:1: LOCKED_TEST_ETCD/)
  })

  test('must have enough members', () => {
    expect(() => useRunning(['a:1'], 3, {})).toThrow(/needs 3 members/)
  })

  test('cannot be given options', () => {
    expect(() => useRunning(['a:1'], 1, { enableV2: true })).toThrow(/option enableV2/)
  })
})
