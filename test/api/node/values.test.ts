import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { lockerOn, path, record } from './nodes.js'

describe('a value', () => {
  const values: readonly Json[] = [
    10,
    0,
    -1.5,
    1e300,
    '10',
    '',
    'null',
    '{"id":"x","value":1,"instance":"y"}',
    'ünïcødé 😀 \ud800 \u0000 \n',
    null,
    true,
    false,
    [],
    {},
    [1, [2, [3, null, { four: [false] }]]],
    { a: { b: { c: [null, '', 0, false] } }, id: 1, instance: 2 },
    JSON.parse('{"__proto__":{"x":1}}'),
  ]

  test.each(values.map((value) => [JSON.stringify(value), value]))(
    'comes back as what it was: %s',
    async (_text, value) => {
      const store = new MemoryStore()
      const locker = lockerOn(store)
      const [a, b] = [locker({ path, id: 'a', value }), locker({ path, id: 'b', value: 'other' })]
      const events = [record(a), record(b)]
      await a.start()
      await b.start()
      expect(events).toEqual([
        [
          ['change', value, 'a'],
          ['select', value],
          ['selected', value],
        ],
        [['change', value, 'a']],
      ])
      for (const node of [a, b]) {
        expect(await node.value()).toStrictEqual(value)
        expect(node.holder?.value).toStrictEqual(value)
      }
      const elected = once(b, 'select')
      b.propose(value)
      await a.stop()
      expect(await elected).toStrictEqual([value])
    },
  )
})
