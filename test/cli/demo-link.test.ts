import { expect, test } from 'vitest'
import { DemoLink } from '../../src/cli/demo/demo-link.js'
import { RefusedError, UnreachableError } from '../../src/errors.js'
import { MemoryStore } from '../../src/stores/memory.js'

const call = { timeoutMs: 30_000 }

function makeLink(store = new MemoryStore()) {
  let answers = 0
  const link = new DemoLink(store, () => {
    answers += 1
  })
  return { store, link, answers: () => answers }
}

test('tells of every answer that arrives, whatever it says', async () => {
  class RefusingStore extends MemoryStore {
    override async read(): Promise<never> {
      throw new RefusedError('permission denied')
    }
  }
  const { link, answers } = makeLink(new RefusingStore())
  await link.grant(5, call)
  expect(answers()).toBe(1)
  await expect(link.read('/p', call)).rejects.toThrow(RefusedError)
  expect(answers()).toBe(2)
})

test('tells of no answer where none arrives', async () => {
  class UnreachableStore extends MemoryStore {
    override async read(): Promise<never> {
      throw new UnreachableError('away')
    }
  }
  const { link, answers } = makeLink(new UnreachableStore())
  await expect(link.read('/p', call)).rejects.toThrow(UnreachableError)
  link.freeze()
  await expect(link.grant(5, { timeoutMs: 20 })).rejects.toThrow(UnreachableError)
  expect(answers()).toBe(0)
})

test('sweeps away the leases it has left, even once it is dead', async () => {
  const { store, link } = makeLink()
  await link.revoke(await link.grant(5, call), call)
  await link.grant(5, call)
  const lost = link.grant(5, { timeoutMs: 20 })
  link.kill()
  await expect(lost).rejects.toThrow(UnreachableError)
  expect(store.leases()).toHaveLength(2)
  await link.sweep(call)
  expect(store.leases()).toEqual([])
})
