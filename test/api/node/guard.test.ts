import { describe, expect, test } from 'vitest'
import { UnsupportedError } from '../../../src/index.js'
import { lockerOn, path } from './nodes.js'

describe('guard()', () => {
  test('is not supported by the memory store, and says what to do instead', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    expect(() => node.guard()).toThrow(UnsupportedError)
    await node.start()
    expect(() => node.guard()).toThrow(/node\.token/)
  })
})
