import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { RefusedError, UnsupportedError } from '../../src/errors.js'
import locked, { type LockedObserver, type Locker, type Store } from '../../src/index.js'
import { Link } from '../../src/stores/link.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { listenForCrashes, lockerOn, makeLink, turns } from '../api/node/nodes.js'
import { observedBy } from './observed.js'

/** A store with a clock of its own, and a locker that observes it. */
function makeStore() {
  const clock = new VirtualClock()
  const store = new MemoryStore(clock)
  return { clock, store, locker: lockerOn(store, clock) }
}

const record = (id: string, value: unknown = 1) =>
  JSON.stringify({ id, value, instance: `instance of ${id}` })

describe('a path', () => {
  test('is told as it is, and with each change, by one who does not compete', async () => {
    const { store, locker } = makeStore()
    const observer = locker.observe('/p')
    const told = observedBy(observer)
    expect(told).toEqual([])
    expect(observer.holder).toBe(null)
    await turns()
    expect(told).toEqual(['/p vacant', 'known'])
    const node = lockerOn(store)('/p', { id: 'a', value: 1 })
    await node.start()
    expect(observer.holder).toEqual({ id: 'a', value: 1, token: node.token })
    expect(observer.holder).toEqual(node.holder)
    node.propose({ two: 2 })
    await turns()
    // A holder that stands down writes its record once more before it is deleted.
    await node.stop()
    await turns()
    expect(told.slice(2)).toEqual(['/p a=1', '/p a={"two":2}', '/p vacant'])
    expect(observer.holder).toBe(null)
    expect(store.leases()).toEqual([])
  })

  test('never goes back to an earlier value, whenever its holder stops and however late it is answered', async () => {
    const delay = fc.integer({ min: 0, max: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ after: delay, answered: delay }), { minLength: 1, maxLength: 5 }),
        delay,
        delay,
        async (proposals, heardAfter, stopAfter) => {
          const clock = new VirtualClock()
          const store = new MemoryStore(clock)
          let answered = 0
          const link = new Link(store, clock, ({ call, isAnswer }) => {
            if (!isAnswer) return 0
            return call === 'propose' ? answered : call === 'watch' ? heardAfter : 0
          })
          const observing = locked(store, { clock })
          const leading = locked(link, { clock })
          const told = observedBy(observing.observe('/p'))
          const node = leading('/p', { id: 'a', value: 0 })
          await node.start()
          for (const [at, { after, ...proposal }] of proposals.entries()) {
            answered = proposal.answered
            node.propose(at + 1)
            await clock.advance(after)
          }
          await clock.advance(stopAfter)
          const stopped = node.stop()
          await clock.advance(1_000)
          await stopped
          await clock.advance(1_000)
          const values = told.flatMap((what) => /a=(\d+)$/.exec(what)?.[1] ?? []).map(Number)
          expect(values).toEqual(values.toSorted((one, other) => one - other))
          expect(new Set(values).size).toBe(values.length)
          expect(told.at(-1)).toBe('/p vacant')
          await Promise.all([observing.close(), leading.close(), clock.advance(60_000)])
        },
      ),
      { numRuns: 200 },
    )
  })

  test('that is not held by a record has a holder without id', async () => {
    const { store, locker } = makeStore()
    store.put('/p', 'junk')
    const told = observedBy(locker.observe('/p', { prefix: false }))
    await turns()
    expect(told).toEqual(['/p null="junk"', 'known'])
  })

  test('is vacant when the lease of its holder runs out', async () => {
    const { clock, store, locker } = makeStore()
    await store.claim('/p', record('a'), await store.grant(5))
    const told = observedBy(locker.observe('/p'))
    await clock.advance(4_999)
    expect(told).toEqual(['/p a=1', 'known'])
    await clock.advance(1)
    expect(told.slice(2)).toEqual(['/p vacant'])
  })

  test('that cannot be read is tried again, and all is told that was missed', async () => {
    const clock = new VirtualClock()
    const { store, link } = makeLink(clock)
    store.put('/p', record('a'))
    link.cut()
    const told = observedBy(lockerOn(link, clock).observe('/p'))
    await clock.advance(10_000)
    expect(told.length).toBeGreaterThan(1)
    expect(told).toEqual(told.map((_, at) => `unreachable ${at + 1}`))
    link.heal()
    await clock.advance(5_000)
    expect(told.slice(-2)).toEqual(['/p a=1', 'known'])
    link.cut()
    store.put('/p', record('b'))
    store.put('/p', record('c'))
    store.compact()
    await clock.advance(1_000)
    link.heal()
    await clock.advance(5_000)
    expect(told.filter((what) => what.startsWith('/p'))).toEqual(['/p a=1', '/p c=1'])
  })
})

test('a path is read when the store is reached again: another history may have grown beyond it', async () => {
  const store: Store & MemoryStore = new MemoryStore()
  const reconnected: (() => void)[] = []
  Object.assign(store, {
    onReconnected: (listener: () => void) => reconnected.push(listener),
    // One that was interrupted, and resumed where nothing happens any more.
    watch: () => ({ close: () => undefined }),
  })
  const told = observedBy(lockerOn(store).observe('/p'))
  await turns()
  store.put('/p', record('b'))
  await turns()
  expect(told).toEqual(['/p vacant', 'known'])
  for (const listener of reconnected) listener()
  await turns()
  expect(told.slice(2)).toEqual(['/p b=1'])
})

describe('all paths that begin alike', () => {
  test('are told as they stand, then each change, and nothing of others', async () => {
    const { store, locker } = makeStore()
    store.put('/jobs/a', record('a'))
    store.put('/job', record('other'))
    store.put('/other', record('other'))
    const observer = locker.observe('/jobs/', { prefix: true })
    const told = observedBy(observer)
    expect(told).toEqual([])
    await turns()
    expect(told).toEqual(['/jobs/a a=1', 'known'])
    store.put('/jobs/b', record('b'))
    store.put('/other', record('changed'))
    store.put('/jobs/a', record('a', 2))
    store.delete('/jobs/b')
    await turns()
    expect(told.slice(2)).toEqual(['/jobs/b b=1', '/jobs/a a=2', '/jobs/b vacant'])
    expect([...observer.holders]).toEqual([['/jobs/a', { id: 'a', value: 2, token: 2n }]])
  })

  test('are all there are when the prefix is empty', async () => {
    const { store, locker } = makeStore()
    store.put('a', record('a'))
    store.put('/b', record('b'))
    const observer = locker.observe('', { prefix: true })
    await turns()
    expect([...observer.holders.keys()]).toEqual(['a', '/b'])
  })

  test('do not have the entries of candidates among them', async () => {
    const { store, locker } = makeStore()
    store.put('/p', record('a'))
    store.put('/p/.candidates/one', record('b'))
    const observer = locker.observe('/p', { prefix: true })
    const told = observedBy(observer)
    await turns()
    for (const name of ['two', '.reign', '.transfer']) {
      store.put(`/p/.candidates/${name}`, record('c'))
    }
    store.delete('/p/.candidates/one')
    store.restore(store.backup())
    await turns()
    expect(told).toEqual(['/p a=1', 'known'])
    expect([...observer.holders.keys()]).toEqual(['/p'])
  })

  test('become vacant when leases run out, with nobody else to notice', async () => {
    const { clock, store, locker } = makeStore()
    await store.claim('/p/a', record('a'), await store.grant(5))
    const told = observedBy(locker.observe('/p/', { prefix: true }))
    await clock.advance(5_000)
    expect(told).toEqual(['/p/a a=1', 'known', '/p/a vacant'])
  })

  test('cannot be observed on a store that cannot: that is said at once', async () => {
    const { link } = makeLink()
    const locker = lockerOn(link)
    expect(() => locker.observe('/p/', { prefix: true })).toThrow(UnsupportedError)
    expect(() => locker.observe('/p/', { prefix: true })).toThrow(/"\/p\/".*one by one/)
  })
})

describe.each([
  ['a path', undefined],
  ['a prefix', { prefix: true }],
] as const)('a history that was replaced, with %s', (_, options) => {
  test('is told as what has changed', async () => {
    const { store, locker } = makeStore()
    store.put('/p', record('a'))
    const backup = store.backup()
    store.put('/p', record('b'))
    const observer = locker.observe('/p', options)
    const told = observedBy(observer)
    await turns()
    store.restore(backup)
    await turns()
    store.put('/p', record('c'))
    await turns()
    store.restore()
    await turns()
    store.put('/p', record('d'))
    await turns()
    expect(told).toEqual(['/p b=1', 'known', '/p a=1', '/p c=1', '/p vacant', '/p d=1'])
    expect(observer.holders.size).toBe(1)
  })

  test('that has what was known in it is no news', async () => {
    const { store, locker } = makeStore()
    store.put('/p', record('a'))
    const told = observedBy(locker.observe('/p', options))
    await turns()
    store.restore(store.backup(), { bumpRevision: 1_000 })
    await turns()
    expect(told).toEqual(['/p a=1', 'known'])
  })
})

describe('an iteration', () => {
  async function observing() {
    const { store, locker } = makeStore()
    store.put('/p/a', record('a'))
    const observer = locker.observe('/p/', { prefix: true })
    await turns()
    return { store, locker, observer, states: observer[Symbol.asyncIterator]() }
  }

  const next = async (states: AsyncIterator<unknown>) => (await states.next()).value

  test('begins with what is known, goes on with what changes, and ends on close', async () => {
    const { store, observer } = await observing()
    const seen: unknown[] = []
    const iterated = (async () => {
      for await (const { path, holder } of observer) seen.push([path, holder?.id ?? null])
    })()
    await turns()
    store.put('/p/b', record('b'))
    await turns()
    store.delete('/p/a')
    await turns()
    expect(seen).toEqual([
      ['/p/a', 'a'],
      ['/p/b', 'b'],
      ['/p/a', null],
    ])
    await observer.close()
    await iterated
  })

  test('of a path that is vacant begins with that', async () => {
    const { locker } = makeStore()
    const observer = locker.observe('/p')
    await turns()
    expect(await next(observer[Symbol.asyncIterator]())).toEqual({ path: '/p', holder: null })
  })

  test('loses nothing between two calls of next, and keeps the latest of each path', async () => {
    const { store, states } = await observing()
    for (let count = 2; count <= 5_000; count += 1) store.put('/p/a', record('a', count))
    store.put('/p/b', record('b'))
    store.delete('/p/b')
    store.put('/p/c', record('c'))
    await turns()
    expect(await next(states)).toMatchObject({ path: '/p/a', holder: { value: 5_000 } })
    store.delete('/p/a')
    await turns()
    expect(await next(states)).toEqual({ path: '/p/b', holder: null })
    expect(await next(states)).toMatchObject({ path: '/p/c', holder: { id: 'c' } })
    expect(await next(states)).toEqual({ path: '/p/a', holder: null })
  })

  test('keeps no more than so many paths that came and went', async () => {
    const { store, states } = await observing()
    for (let count = 1; count <= 3_000; count += 1) {
      store.put(`/p/${count}`, record('x'))
      store.delete(`/p/${count}`)
    }
    store.put('/p/last', record('last'))
    await turns()
    const seen: string[] = []
    for await (const { path } of states) {
      seen.push(path)
      if (path === '/p/last') break
    }
    expect(seen).toHaveLength(1_002)
    expect(seen.slice(0, 2)).toEqual(['/p/a', '/p/2001'])
  })

  test('may be one of several, each at its own pace, and is left without an end for others', async () => {
    const { store, observer, states } = await observing()
    for await (const { path } of observer) {
      expect(path).toBe('/p/a')
      break
    }
    store.put('/p/b', record('b'))
    await turns()
    expect(await next(states)).toMatchObject({ path: '/p/a' })
    expect(await next(states)).toMatchObject({ path: '/p/b' })
    const [one, other] = [states.next(), states.next()]
    store.put('/p/c', record('c'))
    store.put('/p/d', record('d'))
    expect((await one).value).toMatchObject({ path: '/p/c' })
    expect((await other).value).toMatchObject({ path: '/p/d' })
    expect(await states.return?.()).toEqual({ done: true, value: undefined })
    store.put('/p/e', record('e'))
    await turns()
    expect(await states.next()).toEqual({ done: true, value: undefined })
  })

  test('of what is closed ends at once, also in the middle of it', async () => {
    const { store, observer, states } = await observing()
    await next(states)
    const waiting = states.next()
    store.put('/p/b', record('b'))
    store.put('/p/c', record('c'))
    expect(await waiting).toMatchObject({ done: false })
    await turns()
    await observer.close()
    const end = { done: true, value: undefined }
    expect(await states.next()).toEqual(end)
    expect(await observer[Symbol.asyncIterator]().next()).toEqual(end)
  })
})

describe('what is refused', () => {
  const refusal = new RefusedError('never')

  function refusing(): Locker {
    const store: Store = new MemoryStore()
    store.read = () => Promise.reject(refusal)
    return lockerOn(store)
  }

  test('is an error, once, and closes the observer', async () => {
    const locker = refusing()
    const observer = locker.observe('/p')
    const told = observedBy(observer)
    await turns()
    expect(told).toEqual(['error never'])
    const states = observer[Symbol.asyncIterator]()
    await expect(states.next()).rejects.toBe(refusal)
    expect(await states.next()).toEqual({ done: true, value: undefined })
  })

  function listenForWarnings(): unknown[] {
    const warnings: unknown[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => {
      process.off('warning', listen)
    })
    return warnings
  }

  test('is thrown to whoever iterates, and is no warning then', async () => {
    const warnings = listenForWarnings()
    const states = refusing().observe('/p')[Symbol.asyncIterator]()
    const [one, other] = [states.next(), states.next()]
    await expect(one).rejects.toBe(refusal)
    expect(await other).toEqual({ done: true, value: undefined })
    await turns()
    expect(warnings).toEqual([])
  })

  test('is a process warning when nobody listens', async () => {
    const warnings = listenForWarnings()
    refusing().observe('/p')
    await turns()
    expect(warnings).toEqual([refusal])
  })
})

test('what a listener throws surfaces as uncaught, and costs nobody anything', async () => {
  const crashes = listenForCrashes()
  const { store, locker } = makeStore()
  store.put('/p/a', record('x'))
  store.put('/p/b', record('y'))
  const [one, other] = [locker.observe('/p'), locker.observe('/p', { prefix: true })]
  const told = [one, other].map(observedBy)
  for (const observer of [one, other]) {
    observer.on('change', (path) => {
      throw new Error(`from a listener of ${path}`)
    })
  }
  const node = lockerOn(store)('/p', { id: 'a', value: 1 })
  await node.start()
  node.propose(2)
  await turns()
  const paths = ['/p/a', '/p/b', '/p', '/p', '/p', '/p']
  expect(crashes).toEqual(paths.map((path) => new Error(`from a listener of ${path}`)))
  expect(node.isLeader).toBe(true)
  expect(told[0]).toEqual(['/p vacant', 'known', '/p a=1', '/p a=2'])
  // What stood there with the first is told, too.
  expect(told[1]).toEqual(['/p/a x=1', '/p/b y=1', 'known', '/p a=1', '/p a=2'])
})

describe('after close', () => {
  const ways: readonly (readonly [string, (one: LockedObserver, of: Locker) => Promise<void>])[] = [
    ['close', (observer) => observer.close()],
    ['its disposal', (observer) => observer[Symbol.asyncDispose]()],
    ['the close of its locker', (_, locker) => locker.close()],
  ]

  test.each(ways)('by %s nothing is told, and nothing left open', async (_, close) => {
    const { clock, store, locker } = makeStore()
    for (const prefix of [true, false]) {
      await store.claim('/p', record('a'), await store.grant(5))
      const observer = locker.observe('/p', { prefix })
      const told = observedBy(observer)
      await turns()
      store.put('/p', record('b'))
      await close(observer, locker)
      await close(observer, locker)
      store.delete('/p')
      await turns()
      expect(told.at(-1)).toBe('known')
      expect(observer.holders.size).toBe(0)
      expect(store.watchers).toBe(0)
      expect(clock.timers).toBe(0)
    }
  })

  test('inside a listener nothing more is told', async () => {
    const { store, locker } = makeStore()
    store.put('/p/a', record('a'))
    store.put('/p/a too', record('b'))
    for (const options of [{ prefix: true }, {}]) {
      const observer = locker.observe('/p/a', options)
      const told = observedBy(observer)
      observer.on('change', () => void observer.close())
      await turns()
      expect(told).toEqual(['/p/a a=1'])
    }
    expect(store.watchers).toBe(0)
  })

  test('of the last one who uses it, and not before, the store is closed', async () => {
    const store = new MemoryStore()
    let closed = 0
    store.closeIdle = () => {
      closed += 1
    }
    const locker = lockerOn(store)
    const [one, other] = [locker.observe('/p'), locker.observe('', { prefix: true })]
    await turns()
    const node = locker('/p', { value: 1 })
    await node.start()
    await one.close()
    await node.stop()
    await turns()
    expect(closed).toBe(0)
    await other.close()
    expect(closed).toBe(1)
  })
})

describe('bad arguments', () => {
  test.each([
    [[undefined], TypeError, /^path: must be a string, was given undefined$/],
    [[5, { prefix: true }], TypeError, /^path: must be a string, was given 5$/],
    [[''], RangeError, /^path: must not be empty/],
    [['', {}], RangeError, /^path: must not be empty/],
    [['/p', null], TypeError, /^observe: options must be an object, was given null$/],
    [['/p', true], TypeError, /^observe: options must be an object, was given true$/],
    [['/p', { Prefix: true }], TypeError, /^observe: unknown option Prefix; .* prefix$/],
    [['/p', { prefix: 'yes' }], TypeError, /^prefix: must be true or false, was given "yes"$/],
  ])('%j throw at once, and say what is wrong', (args, kind, message) => {
    const observe: unknown = locked('memory:').observe
    if (typeof observe !== 'function') throw new TypeError('a locker observes')
    const call = () => Reflect.apply(observe, undefined, args)
    expect(call).toThrow(kind)
    expect(call).toThrow(message)
  })
})
