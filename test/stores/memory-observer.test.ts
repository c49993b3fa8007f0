import { expect, onTestFinished, test } from 'vitest'
import { candidateAt, latestAt } from '../../src/stores/candidates.js'
import { MemoryStore } from '../../src/stores/memory.js'
import type { ObserveListener } from '../../src/stores/store.js'
import { turns } from '../api/node/nodes.js'

/** What an observer of the prefix is told, as `at=text`. */
function observed(store: MemoryStore, prefix: string, asksForBeside: boolean): string[] {
  const told: string[] = []
  const seen: ObserveListener['seen'] = (at, { entry }) => told.push(`${at}=${entry?.text ?? ''}`)
  const observer = store.observe(prefix, {
    seen,
    ...(asksForBeside && { beside: (at, sighting) => seen(`beside ${at}`, sighting) }),
    known: () => told.push('known'),
    retrying: () => undefined,
    recovered: () => undefined,
    refused: () => undefined,
  })
  onTestFinished(() => observer.close())
  return told
}

test('what stands beside paths is told to whoever asks for it, and to nobody else', async () => {
  const store = new MemoryStore()
  const [a, b] = ['a', 'b'].map((instance) => candidateAt('/p', instance))
  const latest = latestAt('/p')
  const lease = await store.grant(60)
  await store.claim('/p', 'holder', lease)
  await store.candidates.enter('/p', { instance: 'a', text: 'one' }, lease, { timeoutMs: 1 })
  const asking = observed(store, '/p', true)
  const other = observed(store, '/p', false)
  // The path that it stands beside does not begin like that.
  const elsewhere = observed(store, '/p/', true)
  await turns()
  expect(asking).toEqual(['/p=holder', `beside ${a}=one`, `beside ${latest}=a`, 'known'])
  await store.candidates.enter('/p', { instance: 'b', text: 'two' }, lease, { timeoutMs: 1 })
  await store.candidates.leave('/p', 'a', { timeoutMs: 1 })
  await turns()
  expect(asking.slice(4)).toEqual([`beside ${b}=two`, `beside ${latest}=b`, `beside ${a}=`])
  store.restore()
  await turns()
  expect(asking.slice(7).sort()).toEqual(['/p=', `beside ${latest}=`, `beside ${b}=`])
  expect(other).toEqual(['/p=holder', 'known', '/p='])
  expect(elsewhere).toEqual(['known'])
})
