import { describe, expect, test } from 'vitest'
import { UnreachableError } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { lockerOn, makeLink, path } from './nodes.js'

describe('id() and value()', () => {
  test('answer from every node, started or not, with promises and callbacks', async () => {
    const store = new MemoryStore()
    const locker = lockerOn(store)
    const [a, b] = [locker({ path, id: 'a', value: 10 }), locker({ path, id: 'b', value: 'of b' })]
    await a.start()
    for (const node of [a, b]) {
      expect(await node.id()).toBe('a')
      expect(await node.value()).toBe(10)
      expect(await new Promise((resolve) => node.id((...args) => resolve(args)))).toEqual([
        null,
        'a',
      ])
      expect(await new Promise((resolve) => node.value((...args) => resolve(args)))).toEqual([
        null,
        10,
      ])
    }
    await a.stop()
    expect([await a.id(), await a.value(), await b.id(), await b.value()]).toEqual(
      Array(4).fill(null),
    )
  })

  test('reject, and call back with the error, when the store cannot be asked', async () => {
    const { link, requests } = makeLink()
    const failure = new UnreachableError('no answer')
    requests.read = () => failure
    const node = lockerOn(link)({ path, value: 10 })
    await expect(node.id()).rejects.toBe(failure)
    await expect(node.value()).rejects.toBe(failure)
    expect(await new Promise((resolve) => node.id(resolve))).toBe(failure)
    expect(await new Promise((resolve) => node.value(resolve))).toBe(failure)
  })
})
