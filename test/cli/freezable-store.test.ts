import { describe, expect, test } from 'vitest'
import { FreezableStore } from '../../src/cli/demo/freezable-store.js'
import { UnreachableError } from '../../src/errors.js'
import { MemoryStore } from '../../src/stores/memory.js'
import type { Sighting } from '../../src/stores/store.js'

const LONG = { timeoutMs: 30_000 }
const SHORT = { timeoutMs: 20 }

function frozenStore() {
  const inner = new MemoryStore()
  let answers = 0
  const store = new FreezableStore(inner, () => {
    answers += 1
  })
  store.freeze()
  return { inner, store, answers: () => answers }
}

describe('FreezableStore', () => {
  test('sends nothing while it is frozen, and gives up in time', async () => {
    const { inner, store, answers } = frozenStore()
    await expect(store.grant(5, SHORT)).rejects.toThrow(UnreachableError)
    expect(inner.leases()).toEqual([])
    expect(answers()).toBe(0)
  })

  test('sends what waited when it is thawed', async () => {
    const { inner, store, answers } = frozenStore()
    const granting = store.grant(5, LONG)
    store.thaw()
    await granting
    expect(inner.leases()).toHaveLength(1)
    expect(answers()).toBe(1)
  })

  test('holds back the answer to what was sent before it froze', async () => {
    const { inner, store } = frozenStore()
    store.thaw()
    const granting = store.grant(5, SHORT)
    store.freeze()
    expect(inner.leases()).toHaveLength(1)
    await expect(granting).rejects.toThrow(UnreachableError)
  })

  test('tells its watches late what they missed, in order', async () => {
    const { inner, store } = frozenStore()
    const seen: Sighting[] = []
    store.watch('/p', 1, { seen: (sighting) => seen.push(sighting), retrying() {}, refused() {} })
    inner.put('/p', 'one')
    inner.put('/p', 'two')
    await inner.read('/p')
    expect(seen).toEqual([])
    store.thaw()
    expect(seen.map(({ entry }) => entry?.text)).toEqual(['one', 'two'])
  })

  test('tells late that the history was replaced, and before what is of the new one', async () => {
    const { inner, store } = frozenStore()
    const told: (string | null)[] = []
    store.onReset(() => told.push('reset'))
    store.watch('/p', 1, {
      seen: ({ entry }) => told.push(entry?.text ?? null),
      retrying() {},
      refused() {},
    })
    inner.restore()
    inner.put('/p', 'new')
    await inner.read('/p')
    expect(told).toEqual([])
    store.thaw()
    expect(told).toEqual(['reset', 'new'])
    store.cut()
    inner.restore()
    expect(told).toEqual(['reset', 'new'])
  })

  test('once cut, rejects what waits and what comes, and never thaws', async () => {
    const { inner, store } = frozenStore()
    const seen: Sighting[] = []
    store.watch('/p', 1, { seen: (sighting) => seen.push(sighting), retrying() {}, refused() {} })
    inner.put('/p', 'one')
    const reading = store.read('/p', LONG)
    store.cut()
    await expect(reading).rejects.toThrow(UnreachableError)
    store.thaw()
    await expect(store.read('/p', LONG)).rejects.toThrow(UnreachableError)
    expect(seen).toEqual([])
  })

  test('sweeps away the leases it has left, even once cut', async () => {
    const { inner, store } = frozenStore()
    store.thaw()
    await store.grant(5, LONG)
    store.cut()
    expect(inner.leases()).toHaveLength(1)
    await store.sweep(LONG)
    expect(inner.leases()).toEqual([])
  })
})
