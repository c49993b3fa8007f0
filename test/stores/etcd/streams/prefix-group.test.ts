import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PrefixGroup } from '../../../../src/stores/etcd/streams/prefix-group.js'
import { Watcher } from '../../../../src/stores/path-watcher.js'

const PATHS = 100
/** So much later it is known whose it was that has happened. */
const LATER_MS = 2_500

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A group that serves that many paths. */
function makeGroup(paths = PATHS) {
  const tooWide = vi.fn()
  const group = new PrefixGroup('/group/', 1, tooWide)
  const watchers = Array.from(
    { length: paths },
    (_, index) => new Watcher(`/group/${index}`, 1, () => undefined),
  )
  for (const watcher of watchers) group.join(watcher)
  let revision = 1
  /** So many changes of that path. */
  const change = (path: string, times: number) => {
    for (let time = 0; time < times; time += 1) {
      revision += 1
      group.take(path, { entry: null, revision })
    }
  }
  return { group, tooWide, watchers, change }
}

test('what comes of leaving a path is not foreign: leaders of many paths stop one after the other', () => {
  const { group, tooWide, watchers, change } = makeGroup()
  for (const watcher of watchers.slice(1)) {
    group.leave(watcher)
    change(watcher.path, 5)
    vi.advanceTimersByTime(50)
  }
  vi.advanceTimersByTime(LATER_MS)
  expect(tooWide).not.toHaveBeenCalled()
})

test('a path that was left long ago is foreign', () => {
  const { group, tooWide, watchers, change } = makeGroup()
  const [left] = watchers
  if (left === undefined) throw new Error('there are many')
  group.leave(left)
  vi.advanceTimersByTime(LATER_MS)
  change(left.path, 100)
  vi.advanceTimersByTime(LATER_MS)
  expect(tooWide).toHaveBeenCalledOnce()
})

test('nothing is left running once nothing happens any more', () => {
  const { group, watchers, change } = makeGroup()
  for (const watcher of watchers) group.leave(watcher)
  change('/group/0', 5)
  vi.advanceTimersByTime(2 * LATER_MS)
  expect(vi.getTimerCount()).toBe(0)
})
