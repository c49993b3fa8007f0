import { describe, expect, test } from 'vitest'
import { type LockedNode, locked } from '../../../src/index.js'
import { Link, type Message } from '../../../src/stores/link.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'

const path = '/attended'
const ttl = 10

/** One waits there, and nobody leads: whoever is elected now has not been told of it. */
async function awaited(store: MemoryStore, at: string): Promise<void> {
  const [leading, waiting] = [await store.grant(1_000), await store.grant(1_000)]
  await store.claim(at, 'of one that led', leading)
  const candidacy = { instance: 'one that waits', text: 'of one that waits' }
  await store.claim(at, 'of one that waits', waiting, undefined, candidacy)
  await store.revoke(leading)
}

/** A leader, whose requests are noted, and others, each in a process of its own. */
class Scene {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore(this.clock)
  /** What the first node has asked the store for. */
  readonly requests: Message['call'][] = []
  readonly #links = new Map<LockedNode, Link>()

  join(id: string): LockedNode {
    const isFirst = this.#links.size === 0
    const link = new Link(this.store, this.clock, ({ call, isAnswer }) => {
      if (isFirst && !isAnswer) this.requests.push(call)
      return 1
    })
    const node = locked(link, { clock: this.clock })(path, { id, value: id, ttl })
    this.#links.set(node, link)
    return node
  }

  async started(id: string): Promise<LockedNode> {
    const node = this.join(id)
    void node.start()
    await this.clock.advance(100)
    return node
  }

  linkOf(node: LockedNode): Link {
    const link = this.#links.get(node)
    if (link === undefined) throw new Error('it has not joined')
    return link
  }

  /** What the first node asks for when it stops. */
  async requestsToStop(node: LockedNode): Promise<readonly Message['call'][]> {
    this.requests.length = 0
    void node.stop()
    await this.clock.advance(100)
    return this.requests
  }
}

describe('a leader', () => {
  test('knows who waits once it has led for a while, and asks nobody when it stops', async () => {
    const scene = new Scene()
    const a = await scene.started('a')
    const b = await scene.started('b')
    await scene.clock.advance(1_000)
    const c = await scene.started('c')
    expect(await scene.requestsToStop(a)).toEqual(['isOverdue', 'install', 'revoke'])
    expect([b.isLeader, c.isLeader]).toEqual([false, true])
  })

  test('asks nobody either where it was elected with nobody waiting, even if it stops at once', async () => {
    const scene = new Scene()
    const a = await scene.started('a')
    const b = await scene.started('b')
    expect(await scene.requestsToStop(a)).toEqual(['install', 'revoke'])
    expect(b.isLeader).toBe(true)
  })

  test('asks if it stops at once where others waited as it was elected', async () => {
    const scene = new Scene()
    await awaited(scene.store, path)
    const a = await scene.started('a')
    const b = await scene.started('b')
    expect(await scene.requestsToStop(a)).toEqual(['list', 'isOverdue', 'install', 'revoke'])
    expect(b.isLeader).toBe(true)
  })

  test('asks if it stops before it is told of anybody', async () => {
    const scene = new Scene()
    const a = await scene.started('a')
    expect(await scene.requestsToStop(a)).toEqual(['list', 'release', 'revoke'])
  })

  test('asks again when what it knew has left, and hands over to another', async () => {
    const scene = new Scene()
    const [a, b, c] = [await scene.started('a'), await scene.started('b'), await scene.started('c')]
    await scene.clock.advance(1_000)
    // The leader hears nothing of that any more.
    scene.linkOf(a).freeze()
    void c.stop()
    await scene.clock.advance(100)
    void a.stop()
    scene.linkOf(a).heal()
    await scene.clock.advance(100)
    expect(b.isLeader).toBe(true)
  })

  test('does not choose one that has missed a renewal, where there is another', async () => {
    const scene = new Scene()
    const [a, b, c] = [await scene.started('a'), await scene.started('b'), await scene.started('c')]
    await scene.clock.advance(1_000)
    scene.linkOf(c).freeze()
    // Its renewal was due by then, and its lease has not ended.
    await scene.clock.advance(ttl * 700)
    await scene.requestsToStop(a)
    expect(b.isLeader).toBe(true)
    scene.linkOf(c).heal()
    await scene.clock.advance(1_000)
    expect([b.isLeader, c.isLeader]).toEqual([true, false])
  })

  test('finds the one that has not, however many have', async () => {
    const scene = new Scene()
    const [a, b] = [await scene.started('a'), await scene.started('b')]
    const others = Array.from({ length: 40 }, (_, index) => scene.join(`c ${index}`))
    for (const other of others) void other.start()
    await scene.clock.advance(1_000)
    for (const other of others) scene.linkOf(other).freeze()
    await scene.clock.advance(ttl * 700)
    const asked = (await scene.requestsToStop(a)).filter((call) => call === 'isOverdue')
    expect(asked).toHaveLength(others.length + 1)
    expect(b.isLeader).toBe(true)
  })

  test('asks about as few as it takes to find one', async () => {
    const scene = new Scene()
    const a = await scene.started('a')
    for (let index = 0; index < 40; index += 1) await scene.started(`b ${index}`)
    await scene.clock.advance(1_000)
    const c = await scene.started('c')
    scene.linkOf(c).freeze()
    await scene.clock.advance(ttl * 700)
    // The latest, and then the two before it.
    expect(await scene.requestsToStop(a)).toEqual([
      ...['isOverdue', 'isOverdue', 'isOverdue'],
      ...['install', 'revoke'],
    ])
  })

  test('chooses it where there is no other', async () => {
    const scene = new Scene()
    const [a, c] = [await scene.started('a'), await scene.started('c')]
    await scene.clock.advance(1_000)
    scene.linkOf(c).freeze()
    await scene.clock.advance(ttl * 700)
    await scene.requestsToStop(a)
    expect([...scene.store.entries().values()][0]?.text).toContain('"id":"c"')
    scene.linkOf(c).heal()
    await scene.clock.advance(100)
    expect(c.isLeader).toBe(true)
  })

  test('adds nothing to the requests at rest', async () => {
    const scene = new Scene()
    await scene.started('a')
    await scene.started('b')
    await scene.clock.advance(1_000)
    scene.requests.length = 0
    await scene.clock.advance(ttl * 10_000)
    expect(new Set(scene.requests)).toEqual(new Set(['renew']))
  })
})

describe('thousands of leaders of a process', () => {
  /** When the process asks for each path who waits, in milliseconds: nodes that start `apartMs` one after the other, where `others` waited. */
  async function asked(nodes: number, apartMs: number, others = true): Promise<readonly number[]> {
    const clock = new VirtualClock()
    const times: number[] = []
    const store = new MemoryStore(clock)
    const link = new Link(store, clock, ({ call, isAnswer }) => {
      if (call === 'list' && !isAnswer) times.push(clock.now())
      return 1
    })
    const locker = locked(link, { clock })
    const paths = Array.from({ length: nodes }, (_, index) => `/jobs/${index}`)
    if (others) for (const at of paths) await awaited(store, at)
    for (const [index, at] of paths.entries()) {
      void locker(at, { value: index, ttl: 60 }).start()
      if (apartMs > 0) await clock.advance(apartMs)
    }
    await clock.advance(10_000)
    return times
  }

  test('ask where nobody waited as well, but for the first of them', async () => {
    expect(await asked(120, 0, false)).toEqual([])
    expect(await asked(1_200, 0, false)).toHaveLength(1_200 - 120)
    expect(await asked(1_200, 10, false)).toEqual([])
  })

  test('ask who waits a request’s worth at a time', async () => {
    const times = await asked(1_200, 0)
    expect(times).toHaveLength(1_200)
    expect(new Set(times).size).toBe(10)
  })

  test('do not ask while others are elected', async () => {
    const times = await asked(1_000, 2)
    expect(times).toHaveLength(1_000)
    expect(Math.min(...times)).toBeGreaterThan(2_000)
  })

  test('ask, however long others are elected', async () => {
    const times = await asked(100, 100)
    expect(Math.min(...times)).toBeLessThan(5_000)
  })
})
