import { describe, expect, test } from 'vitest'
import { parseHosts } from '../../../../src/stores/etcd/connection/addresses.js'

describe('hosts', () => {
  test.each<[string | readonly string[], readonly string[]]>([
    ['127.0.0.1:4001,127.0.0.1:4002', ['127.0.0.1:4001', '127.0.0.1:4002']],
    [
      ['127.0.0.1:4001', '127.0.0.1:4002'],
      ['127.0.0.1:4001', '127.0.0.1:4002'],
    ],
    [
      ['a:1,b:2', 'c:3'],
      ['a:1', 'b:2', 'c:3'],
    ],
    [' a:1 , b:2 ', ['a:1', 'b:2']],
    ['localhost', ['localhost:2379']],
    ['etcd-0.etcd.svc.cluster.local', ['etcd-0.etcd.svc.cluster.local:2379']],
    ['under_score:1', ['under_score:1']],
    ['http://a:1', ['a:1']],
    ['http://a:1/', ['a:1']],
    ['HTTP://a', ['a:2379']],
    ['[::1]:4001', ['[::1]:4001']],
    ['[fe80::1],[::1]', ['[fe80::1]:2379', '[::1]:2379']],
    ['a:1', ['a:1']],
    ['a:65535', ['a:65535']],
  ])('%j are %j', (given, addresses) => {
    const hosts = parseHosts(given)
    expect(hosts).toEqual(addresses.map((address) => ({ secure: false, address })))
  })

  test('use TLS behind https', () => {
    expect(parseHosts('https://a:1,http://b:2,HTTPS://c')).toEqual([
      { secure: true, address: 'a:1' },
      { secure: false, address: 'b:2' },
      { secure: true, address: 'c:2379' },
    ])
  })

  test.each([
    ['', 'is empty'],
    ['  ', 'is empty'],
    [',', 'is empty'],
    ['a:1,', 'is empty'],
    ['a:1,,b:2', 'is empty'],
    [['a:1', ''], 'is empty'],
    [[], 'the list is empty'],
    ['a b', '"a b" is not a host'],
    ['a:b', '"a:b" is not a host'],
    ['a:', '"a:" is not a host'],
    [':2379', '":2379" is not a host'],
    ['a:1:2', '"a:1:2" is not a host'],
    ['::1', '"::1" is not a host'],
    ['[::1', '"[::1" is not a host'],
    ['a:-1', '"a:-1" is not a host'],
    ['ftp://a:1', '"ftp://a:1" is not a host'],
    ['http://', '"http://" is not a host'],
    ['http://a:1/v2/keys', '"http://a:1/v2/keys" is not a host'],
    ['a:1?x', '"a:1?x" is not a host'],
    ['me:secret@a:1', 'one holds a user or a password'],
    ['https://me:secret@a:1', 'one holds a user or a password'],
    ['a:0', 'outside 1 to 65535'],
    ['a:65536', 'outside 1 to 65535'],
    ['good:1,a:99999', '"a:99999" has a port outside'],
  ])('%j are refused', (given, why) => {
    const parse = () => parseHosts(given)
    expect(parse).toThrow(RangeError)
    expect(parse).toThrow(/^hosts: /)
    expect(parse).toThrow(why)
    expect(parse).toThrow(/expected .*127\.0\.0\.1:2379/)
    expect(parse).not.toThrow(/secret/)
  })
})
