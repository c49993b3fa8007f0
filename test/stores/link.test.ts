import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RefusedError, UnreachableError } from '../../src/errors.js'
import { type Fate, Link, type Message } from '../../src/stores/link.js'
import { MemoryStore } from '../../src/stores/memory.js'
import type { WatchListener } from '../../src/stores/store.js'
import { MemoryCluster } from '../../src/testing/cluster.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

const call = { timeoutMs: 5_000 }
const ONE_WAY_MS = 10

/** What happened on the client's side of a link, in its order. */
function makeLink(clock = new VirtualClock(), store = new MemoryStore(clock)) {
  const fates: Fate[] = []
  const link = new Link(store, clock, () => fates.shift() ?? ONE_WAY_MS)
  const told: string[] = []
  link.onReset(() => told.push('reset'))
  const note = (what: string, answering: Promise<unknown>) =>
    answering.then(
      (answer) => told.push(`${what}: ${JSON.stringify(answer)}`),
      (error: Error) => told.push(`${what}: ${error.name}`),
    )
  const watch = (from: number) =>
    link.watch('p', from, {
      seen: ({ entry }) => told.push(`seen: ${entry?.text ?? null}`),
      retrying: ({ message }) => told.push(`retrying: ${message}`),
      refused: ({ message }) => told.push(`refused: ${message}`),
    })
  /** These messages take so long, or are lost; those that follow take 10 ms. */
  const next = (...ones: Fate[]) => fates.push(...ones)
  return { clock, store, link, told, note, watch, next }
}

describe('a link whose store has another history', () => {
  test('tells of it with the first linearizable answer, and before that answer', async () => {
    const { clock, store, link, told, note } = makeLink()
    store.restore()
    await clock.advance(1_000)
    expect(told).toEqual([])
    void note('read', link.read('p', call))
    void note('again', link.read('p', call))
    await clock.advance(2 * ONE_WAY_MS)
    const answer = '{"entry":null,"revision":1}'
    expect(told).toEqual(['reset', `read: ${answer}`, `again: ${answer}`])
    expect(link.history).toBe(1)
  })

  test('cannot say what became of a write that was sent before it told of it', async () => {
    const { clock, store, link, told, note, next } = makeLink()
    const lease = await store.grant(10)
    next(45, 45, 45)
    const reign = { token: 2, lease: lease.id }
    void note('claim', link.claim('p', 'me', lease, call))
    void note('propose', link.propose('p', 'me', reign, call))
    void note('release', link.release('p', reign, null, call))
    await clock.advance(20)
    store.restore({ ...store.backup(), revision: 1 })
    void note('read', link.read('q', call))
    await clock.advance(60)
    expect(told).toEqual([
      'reset',
      'read: {"entry":null,"revision":1}',
      'claim: UnreachableError',
      'propose: UnreachableError',
      'release: UnreachableError',
    ])
    // It was carried out all the same.
    expect(store.backup().revision).toBe(4)
  })

  test('delivers what the history before has answered, until it is told of', async () => {
    const { clock, store, link, told, note, next } = makeLink()
    const lease = await store.grant(10)
    next(0, 0, 30, 50)
    void note('early', link.claim('p', 'me', lease, call))
    void note('late', link.claim('q', 'me', lease, call))
    await clock.advance(0)
    store.restore()
    await clock.advance(20)
    void note('read', link.read('p', call))
    await clock.advance(40)
    expect(told).toEqual([
      'early: {"won":true,"token":2}',
      'reset',
      'read: {"entry":null,"revision":1}',
      'late: UnreachableError',
    ])
  })

  test('asks at once when a member’s own answer hints at it', async () => {
    const { clock, store, link, told, note } = makeLink()
    store.restore()
    void note('grant', link.grant(10, call))
    await clock.advance(2 * ONE_WAY_MS)
    expect(told).toEqual(['grant: {"id":"1","ttlMs":10000}'])
    await clock.advance(2 * ONE_WAY_MS)
    expect(told).toEqual(['grant: {"id":"1","ttlMs":10000}', 'reset'])
  })

  test('asks at once when its watches break, and watches what comes after', async () => {
    const { clock, store, told, watch } = makeLink()
    watch(2)
    store.put('p', 'old')
    store.restore()
    store.put('p', 'missed')
    await clock.advance(3 * ONE_WAY_MS)
    expect(told).toEqual(['reset'])
    store.put('p', 'new')
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual(['reset', 'seen: missed', 'seen: new'])
  })

  test('watches nothing of it before it is told of', async () => {
    const { clock, store, told, watch, next } = makeLink()
    store.restore()
    store.put('p', 'new')
    next(400, 400)
    watch(1)
    await clock.advance(799)
    expect(told).toEqual([])
    await clock.advance(1 + ONE_WAY_MS)
    expect(told).toEqual(['reset', 'seen: new'])
  })

  test('asks again until it is answered, as long as anything is watched', async () => {
    const { clock, store, told, watch, next } = makeLink()
    const watching = watch(1)
    // Neither the end of the stream is heard of, nor the first two questions arrive.
    next('lost', 'lost', 'lost')
    store.restore()
    await clock.advance(3_000 + ONE_WAY_MS)
    expect(told).toEqual([])
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual(['reset'])
    next('lost', 'lost', 'lost')
    store.restore()
    watching.close()
    await clock.advance(60_000)
    expect(told).toEqual(['reset'])
    expect(clock.timers).toBe(0)
  })

  test.each([
    ['cut', (link: Link) => link.cut()],
    ['frozen', (link: Link) => link.freeze()],
  ])('that is %s tells of it once it has healed, and once for all', async (_how, impair) => {
    const { clock, store, link, told, watch } = makeLink()
    watch(1)
    impair(link)
    store.restore()
    await clock.advance(10_000)
    store.restore()
    await clock.advance(10_000)
    expect(told).toEqual([])
    expect(link.history).toBe(0)
    link.heal()
    await clock.advance(2_000)
    expect(told).toEqual(['reset'])
    expect(link.history).toBe(2)
  })

  test('hears what happens at the store again once it has told of it', async () => {
    const { clock, store, link, watch } = makeLink()
    watch(1)
    expect(link.hears).toBe(true)
    store.restore()
    expect(link.hears).toBe(false)
    await clock.advance(3 * ONE_WAY_MS)
    expect(link.hears).toBe(true)
  })

  test('tells a process that is killed of nothing', async () => {
    const { clock, store, link, told, watch } = makeLink()
    watch(1)
    link.kill()
    store.restore()
    await clock.advance(60_000)
    expect(told).toEqual([])
    expect(clock.timers).toBe(0)
  })

  test('cannot say of which history the answer is by which its store hears of another', async () => {
    const clock = new VirtualClock()
    /** As a client of etcd, it hears of it by an answer. */
    class HearingStore extends MemoryStore {
      override async read(path: string) {
        this.restore()
        return super.read(path)
      }
    }
    const { told, note, link } = makeLink(clock, new HearingStore(clock))
    void note('read', link.read('p', call))
    await clock.advance(2 * ONE_WAY_MS)
    expect(told).toEqual(['reset', 'read: UnreachableError'])
  })

  test('rejects late answers as it does those that are lost', async () => {
    const { clock, store, link, told, next } = makeLink()
    store.restore()
    next(3_000, 3_000)
    const reading = link.read('p', call)
    const rejected = expect(reading).rejects.toBeInstanceOf(UnreachableError)
    await clock.advance(6_000)
    await rejected
    expect(told).toEqual([])
  })
})

describe('nodes of a cluster whose store has another history', () => {
  test.each([
    ['lost everything', false],
    ['was restored to when another one led', true],
  ])(
    'elect anew when it %s, and nobody follows a holder that is gone',
    async (_how, isRestored) => {
      const cluster = new MemoryCluster()
      const nodes = ['a', 'b', 'c'].map((id) => {
        return cluster.node('p', { id, value: id, ttl: 5, fate: () => 20 })
      })
      const reasons: string[] = []
      for (const node of nodes) node.on('deselect', (reason) => reasons.push(reason))
      void nodes[0]?.start()
      await cluster.advance(1_000)
      const backup = cluster.store.backup()
      const stopping = nodes[0]?.stop()
      for (const node of nodes.slice(1)) void node.start()
      await cluster.advance(1_000)
      await stopping
      void nodes[0]?.start()
      await cluster.advance(1_000)
      cluster.store.restore(isRestored ? backup : null)
      await cluster.advance(200)
      expect(reasons).toEqual(['stopped', 'reset'])
      await cluster.advance(8_000)
      const leaders = nodes.filter(({ isLeader }) => isLeader)
      expect(leaders).toHaveLength(1)
      expect(new Set(nodes.map(({ holder }) => holder?.token))).toEqual(
        new Set([leaders[0]?.token]),
      )
      const stopped = Promise.all(nodes.map((node) => node.stop()))
      await cluster.advance(5_000)
      await stopped
    },
  )
})

describe('what is told of candidates over a link', () => {
  /** Two candidates for a path that is held, and what is told of them. */
  async function follow() {
    const made = makeLink()
    const { store, link, told } = made
    const lease = await store.grant(60)
    await store.claim('p', 'leader', lease)
    const enter = (instance: string) =>
      store.candidates.enter('p', { instance, text: instance }, lease, call)
    const watch = link.candidates?.follow('p', store.backup().revision + 1, {
      entered: ({ instance }) => told.push(`entered: ${instance}`),
      left: (instance) => told.push(`left: ${instance}`),
      lost: () => told.push('lost'),
    })
    return { ...made, enter, close: () => watch?.close() }
  }

  test('arrives in its order, however long each message takes', async () => {
    const { clock, store, told, next, enter } = await follow()
    next(50, 10, 30)
    await enter('a')
    await enter('b')
    await store.candidates.leave('p', 'a', call)
    await clock.advance(20)
    expect(told).toEqual(['entered: a'])
    await clock.advance(40)
    expect(told).toEqual(['entered: a', 'entered: b', 'left: a'])
  })

  test('is told to have a gap once that is noticed, and nothing after it', async () => {
    const { clock, told, next, enter, close } = await follow()
    next('lost')
    await enter('a')
    await enter('b')
    await clock.advance(900)
    expect(told).toEqual([])
    await clock.advance(200)
    expect(told).toEqual(['lost'])
    await enter('c')
    await clock.advance(2_000)
    expect(told).toEqual(['lost'])
    close()
  })

  test('has no timer left when it is closed with a gap', async () => {
    const { clock, told, next, enter, close } = await follow()
    next('lost')
    await enter('a')
    await clock.advance(0)
    close()
    expect(clock.timers).toBe(0)
    await clock.advance(2_000)
    expect(told).toEqual([])
  })
})

describe('a message on a link', () => {
  test('is of a call, and a request or an answer', async () => {
    const clock = new VirtualClock()
    const store = new MemoryStore(clock)
    const messages: Message[] = []
    const link = new Link(store, clock, (message) => {
      messages.push(message)
      return 0
    })
    const lease = await link.grant(10, call)
    const watch = link.watch('p', 2, { seen() {}, retrying() {}, refused() {} })
    await link.claim('p', 'me', lease, call)
    await clock.advance(0)
    watch.close()
    expect(
      messages.map(({ call, isAnswer }) => `${call} ${isAnswer ? 'answer' : 'request'}`),
    ).toEqual(['grant request', 'grant answer', 'claim request', 'watch answer', 'claim answer'])
  })

  test('that is a request can be answered with an error, and is not carried out then', async () => {
    const { clock, store, link, told, note, next } = makeLink()
    next(new RefusedError('no'))
    void note('grant', link.grant(10, call))
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual(['grant: RefusedError'])
    expect(store.leases()).toEqual([])
  })

  test('that is an answer can be replaced by an error, and it was carried out all the same', async () => {
    const { clock, store, link, told, note, next } = makeLink()
    next(ONE_WAY_MS, new UnreachableError('reset'))
    void note('grant', link.grant(10, call))
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual(['grant: UnreachableError'])
    expect(store.leases()).toHaveLength(1)
    expect(clock.timers).toBe(0)
  })

  test('can be held up until something has happened', async () => {
    const { clock, store, link, told, note, next } = makeLink()
    let letGo = () => {}
    next(new Promise<void>((resolve) => (letGo = resolve)))
    void note('read', link.read('p', call))
    await clock.advance(4_000)
    store.put('p', 'late')
    letGo()
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual([expect.stringContaining('"late"')])
  })

  test('can be what a watch is told besides changes', async () => {
    const clock = new VirtualClock()
    const listeners: WatchListener[] = []
    class TroubledStore extends MemoryStore {
      override watch(path: string, from: number, listener: WatchListener) {
        listeners.push(listener)
        return super.watch(path, from, listener)
      }
    }
    const { link, told, watch } = makeLink(clock, new TroubledStore(clock))
    const tell = () => {
      listeners.at(-1)?.retrying(new UnreachableError('away'), 1)
      listeners.at(-1)?.refused(new RefusedError('no'))
    }
    watch(1)
    tell()
    expect(told).toEqual([])
    await clock.advance(ONE_WAY_MS)
    const both = ['retrying: away', 'refused: no']
    expect(told).toEqual(both)
    link.freeze()
    tell()
    await clock.advance(60_000)
    expect(told).toEqual(both)
    link.heal()
    expect(told).toEqual([...both, ...both])
    link.cut()
    tell()
    link.heal()
    await clock.advance(60_000)
    expect(told).toEqual([...both, ...both])
    // It asks again after what it has lost.
    expect(listeners).toHaveLength(2)
    const closed = watch(1)
    tell()
    closed.close()
    await clock.advance(60_000)
    expect(told).toEqual([...both, ...both])
  })
})

describe('a link that is frozen', () => {
  test('carries out late what was sent meanwhile, for nobody if that is too late', async () => {
    const { clock, store, link, told, note } = makeLink()
    link.freeze()
    expect(link.state).toBe('frozen')
    void note('grant', link.grant(10, call))
    await clock.advance(2_000)
    void note('again', link.grant(10, call))
    await clock.advance(3_000)
    expect(told).toEqual(['grant: UnreachableError'])
    expect(store.leases()).toEqual([])
    link.heal()
    expect(link.state).toBe('up')
    await clock.advance(ONE_WAY_MS)
    expect(told).toEqual(['grant: UnreachableError', 'again: {"id":"2","ttlMs":10000}'])
    expect(store.leases()).toHaveLength(2)
  })

  test('holds back the answer to what was sent before', async () => {
    const { clock, store, link, told, note } = makeLink()
    void note('grant', link.grant(10, call))
    await clock.advance(ONE_WAY_MS)
    link.freeze()
    expect(store.leases()).toHaveLength(1)
    await clock.advance(5_000)
    expect(told).toEqual(['grant: UnreachableError'])
  })

  test('tells its watches late what they missed, in order', async () => {
    const { clock, store, link, told, watch } = makeLink()
    watch(1)
    link.freeze()
    store.put('p', 'one')
    store.put('p', 'two')
    await clock.advance(60_000)
    expect(told).toEqual([])
    link.heal()
    expect(told).toEqual(['seen: one', 'seen: two'])
  })
})

describe('a link that is cut, or loses messages', () => {
  const fate = fc.oneof(fc.nat({ max: 100 }), fc.constant<Fate>('lost'))
  const act = fc.oneof(
    fc.record({ kind: fc.constantFrom('put', 'delete', 'cut', 'freeze', 'heal'), ms: fc.nat(60) }),
    fc.record({ kind: fc.constant('lose' as const), ms: fc.nat(60), fate }),
  )

  test('tells what stands there once it has healed, whatever was under way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        const { clock, store, link, told, watch, next } = makeLink()
        watch(1)
        let text: string | null = null
        for (const [index, one] of acts.entries()) {
          if (one.kind === 'put') {
            text = `${index}`
            store.put('p', text)
          } else if (one.kind === 'delete') {
            text = null
            store.delete('p')
          } else if (one.kind === 'lose') next('fate' in one ? one.fate : 'lost')
          else link[one.kind]()
          await clock.advance(one.ms)
        }
        link.heal()
        await clock.advance(10_000)
        const last = told.findLast((one) => one.startsWith('seen'))
        expect(last ?? 'seen: null').toBe(`seen: ${text}`)
      }),
    )
  })
})
