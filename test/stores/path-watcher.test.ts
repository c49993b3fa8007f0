import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Watcher } from '../../src/stores/path-watcher.js'
import type { Watch } from '../../src/stores/store.js'

const entry = { text: 'me', token: 1, revision: 1, lease: 'lease' }
const sightingAt = (revision: number) => ({ entry, revision })
const vacantAt = (revision: number) => ({ entry: null, revision })

/** A watcher with a crowd of subscribers; `told` is what each was told, in the order of joining. */
function crowdOf(size: number, onTold: (index: number) => void = () => undefined) {
  const watcher = new Watcher('/path', 1, () => undefined)
  const told: number[][] = []
  const subscribers: Watch[] = []
  const join = (from: number) => {
    const index = subscribers.length
    const heard: number[] = []
    told.push(heard)
    const listener = {
      seen({ revision }: { revision: number }) {
        heard.push(revision)
        onTold(index)
      },
      retrying: () => undefined,
      refused: () => undefined,
    }
    subscribers.push(watcher.subscribe(from, listener))
  }
  for (let count = 0; count < size; count += 1) join(1)
  return { watcher, told, subscribers, join }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate()
}

test('a few subscribers are told at once', () => {
  const { watcher, told } = crowdOf(8)
  watcher.report(sightingAt(5))
  expect(told).toEqual(Array(8).fill([5]))
})

test('those of a crowd who came last are told at once, the others soon, all of them everything in order', async () => {
  const { watcher, told } = crowdOf(500)
  watcher.report(sightingAt(5))
  expect(told).toEqual([...Array(492).fill([]), ...Array(8).fill([5])])
  await turns(2)
  watcher.report(sightingAt(6))
  watcher.report(sightingAt(7))
  expect(told.at(-1)).toEqual([5, 6, 7])
  await turns(200)
  expect(told).toEqual(Array(500).fill([5, 6, 7]))
})

test('a subscriber that closes while a crowd is being told hears no more, and nobody is passed over', async () => {
  const { watcher, told, subscribers } = crowdOf(100, (index) => {
    if (index === 99) for (const subscriber of subscribers.slice(60, 99)) subscriber.close()
  })
  watcher.report(sightingAt(5))
  await turns(50)
  expect(told.slice(60, 99)).toEqual(Array(39).fill([]))
  expect([told[99], ...told.slice(0, 60)]).toEqual(Array(61).fill([5]))
})

test('a subscriber that joins while a crowd is being told hears what comes from its revision on', async () => {
  const { watcher, told, join } = crowdOf(100)
  watcher.report(sightingAt(5))
  join(6)
  watcher.report(sightingAt(6))
  await turns(50)
  expect(told.at(-1)).toEqual([6])
  expect(told.slice(0, 100)).toEqual(Array(100).fill([5, 6]))
})

test('a revision that a crowd need not be told of, because it was read, ends the telling', async () => {
  const { watcher, told } = crowdOf(20)
  watcher.report(sightingAt(5))
  watcher.skipTo(9)
  await turns(20)
  watcher.report(sightingAt(8))
  await turns(20)
  expect(told).toEqual(Array(20).fill([5]))
  watcher.report(sightingAt(9))
  expect(told.slice(-8)).toEqual(Array(8).fill([5, 9]))
  expect(told[11]).toEqual([5])
})

test('a vacancy is told once, however often it is read, and again after a record or of another history', async () => {
  const { watcher, told, join } = crowdOf(1)
  watcher.report(vacantAt(5))
  watcher.report(vacantAt(7))
  // One that has been told of nothing knows of none.
  join(8)
  watcher.report(vacantAt(9))
  expect(told).toEqual([[5], [9]])
  watcher.report(sightingAt(10))
  watcher.report(vacantAt(11))
  expect(told).toEqual([
    [5, 10, 11],
    [9, 10, 11],
  ])
  watcher.beginAnew()
  watcher.report(vacantAt(3))
  expect(told[0]).toEqual([5, 10, 11, 3])
})
