import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Candidate, Candidates, Lease, Reign, Store, Watch } from '../../src/stores/store.js'
import { patiently } from '../patience.js'
import type { StoreUnderTest } from './contract.js'
import { Recorder } from './recorder.js'

const call = { timeoutMs: 60_000 }
/** In seconds: it is waited for, and what is left of it then has to last on a busy machine. */
const OVERDUE_TTL = 20

/** What every store must do in which a leader can hand over. */
export function describeCandidates(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`candidates on ${name}`, () => {
    let under: StoreUnderTest
    let store: Store
    let candidates: Candidates
    let path: string
    let watches: Watch[]

    beforeEach(async () => {
      under = await make()
      store = under.store
      if (store.candidates === undefined) throw new Error(`${name} has no candidates`)
      candidates = store.candidates
      path = `candidates/${randomUUID()}/path`
      watches = []
    })

    afterEach(async () => {
      for (const watch of watches) watch.close()
      store.closeIdle()
      under.peer.closeIdle()
      await under.stop()
    })

    const lasting = () => store.grant(under.ttl.ample, call)
    const list = async (at = path) => (await candidates.list(at, call)).waiting
    const namesAt = async (at = path) => (await list(at)).map(({ instance }) => instance)
    const revision = async () => (await store.read(path, call)).revision

    async function claim(instance: string, lease: Lease, at = path) {
      const candidacy = { instance, text: `${instance} installed` }
      return await store.claim(at, `${instance} claimed`, lease, call, candidacy)
    }

    async function win(instance: string, lease: Lease, at = path): Promise<Reign> {
      const claimed = await claim(instance, lease, at)
      if (!claimed.won) throw new Error(`${instance} has not won`)
      return { token: claimed.token, lease: lease.id }
    }

    async function waiting(instance: string, at = path): Promise<Candidate> {
      const found = (await list(at)).find((candidate) => candidate.instance === instance)
      if (found === undefined) throw new Error(`${instance} does not wait`)
      return found
    }

    async function install(reign: Reign, instance: string, at = path): Promise<Reign> {
      const candidate = await waiting(instance, at)
      const token = await candidates.install(at, reign, candidate, call)
      if (token === null) throw new Error(`${instance} was not installed`)
      const { entry } = await store.read(at, call)
      if (entry === null) throw new Error(`${at} is vacant`)
      return { token, lease: candidate.lease, created: entry.token }
    }

    test('are those whose claims lose, in the order in which they came', async () => {
      const [a, b, c] = [await lasting(), await lasting(), await lasting()]
      await win('a', a)
      expect(await claim('b', b)).toMatchObject({ won: false, hasEntered: true })
      expect(await claim('c', c)).toMatchObject({ won: false, hasEntered: true })
      expect(await list()).toEqual([
        expect.objectContaining({ instance: 'b', text: 'b installed', lease: b.id }),
        expect.objectContaining({ instance: 'c', text: 'c installed', lease: c.id }),
      ])
      // One that claims again keeps its place.
      await claim('b', b)
      expect(await namesAt()).toEqual(['b', 'c'])
      expect(await namesAt(`${path}/other`)).toEqual([])
    })

    test('are seen by other clients', async () => {
      await win('a', await lasting())
      await claim('b', await lasting())
      expect(await under.peer.candidates?.list(path, call)).toEqual({
        ...(await store.read(path, call)),
        waiting: await list(),
        asked: null,
      })
    })

    test('are none any more once they have won', async () => {
      const [a, b] = [await lasting(), await lasting()]
      const reign = await win('a', a)
      await claim('b', b)
      await store.release(path, reign, null, call)
      await win('b', b)
      expect(await list()).toEqual([])
    })

    test('are told of to the claim that wins, if others wait', async () => {
      const [a, b, c] = [await lasting(), await lasting(), await lasting()]
      const first = await claim('a', a)
      expect(first).toMatchObject({ won: true, isAlone: true })
      if (!first.won) return
      await claim('b', b)
      await claim('c', c)
      await store.release(path, { token: first.token, lease: a.id }, null, call)
      const second = await claim('b', b)
      expect(second).toMatchObject({ won: true, isAlone: false })
      if (!second.won) return
      // Its own entry goes with that, and the mark that it left with its lease.
      await store.release(path, { token: second.token, lease: b.id }, null, call)
      await store.revoke(c, call)
      await store.revoke(b, call)
      expect(await claim('a', a)).toMatchObject({ won: true, isAlone: true })
      const together = await Promise.all(
        [`${path}/1`, `${path}/2`, path].map((at) => claim('a', a, at)),
      )
      expect(together).toMatchObject([
        { won: true, isAlone: true },
        { won: true, isAlone: true },
        { won: false },
      ])
    })

    test('go with their leases', async () => {
      const b = await lasting()
      await win('a', await lasting())
      await claim('b', b)
      await store.revoke(b, call)
      expect(await list()).toEqual([])
    })

    test('change what they would write, and keep their place', async () => {
      const [b, c] = [await lasting(), await lasting()]
      const reign = await win('a', await lasting())
      await claim('b', b)
      await claim('c', c)
      const before = await waiting('b')
      await candidates.enter(path, { instance: 'b', text: 'another' }, b, call)
      expect(await namesAt()).toEqual(['b', 'c'])
      expect(await waiting('b')).toMatchObject({ text: 'another', since: before.since })
      expect(await candidates.install(path, reign, before, call)).toBeNull()
      await install(reign, 'b')
      expect((await store.read(path, call)).entry?.text).toBe('another')
    })

    test('are told to whoever follows them, from a revision on', async () => {
      const [b, c] = [await lasting(), await lasting()]
      const reign = await win('a', await lasting())
      await claim('b', b)
      const told: unknown[] = []
      const watch = candidates.follow(path, (await revision()) + 1, {
        entered: ({ instance, text, revision: at }) => told.push([instance, text, at]),
        left: (instance) => told.push([instance, 'left']),
        lost: () => told.push('lost'),
        asked: ({ to, revision: at }) => told.push(['asked', to, at]),
      })
      watches.push(watch)
      await claim('c', c)
      const { revision: enteredAt } = await waiting('c')
      const changedAt = await candidates.enter(path, { instance: 'b', text: 'b 2' }, b, call)
      await claim('a', await lasting(), `${path}/other`)
      await install(reign, 'b')
      await candidates.askTransfer(path, 'c', c, call)
      const { asked } = await candidates.list(path, call)
      expect(asked?.to).toBe('c')
      await store.revoke(c, call)
      expect((await candidates.list(path, call)).asked).toBeNull()
      await patiently(() =>
        expect(told).toEqual([
          ['c', 'c installed', enteredAt],
          ['b', 'b 2', changedAt],
          ['b', 'left'],
          ['asked', 'c', asked?.revision],
          ['c', 'left'],
        ]),
      )
    })

    test('are told to whoever follows them from a revision that has been', async () => {
      const [b, c] = [await lasting(), await lasting()]
      const reign = await win('a', await lasting())
      await claim('b', b)
      await claim('c', c)
      await store.revoke(b, call)
      const told: unknown[] = []
      const watch = candidates.follow(path, reign.token + 1, {
        entered: ({ instance }) => told.push(instance),
        left: (instance) => told.push([instance, 'left']),
        lost: () => told.push('lost'),
      })
      watches.push(watch)
      await patiently(() => expect(told).toEqual(['b', 'c', ['b', 'left']]))
      await claim('d', c)
      await patiently(() => expect(told).toEqual(['b', 'c', ['b', 'left'], 'd']))
    })

    test('have a lease that is overdue once it was not renewed when half of it was left', async () => {
      const b = await store.grant(OVERDUE_TTL, call)
      await win('a', await lasting())
      await claim('b', b)
      expect(await candidates.isOverdue(b.id, call)).toBe(false)
      await under.elapse(OVERDUE_TTL * 610)
      expect(await candidates.isOverdue(b.id, call)).toBe(true)
      // It lives.
      expect(await namesAt()).toEqual(['b'])
      await store.renew(b, call, [path])
      expect(await candidates.isOverdue(b.id, call)).toBe(false)
      await store.revoke(b, call)
      expect(await candidates.isOverdue(b.id, call)).toBe(true)
    })

    test('do not enter where nobody holds the path', async () => {
      await candidates.enter(path, { instance: 'b', text: 'b' }, await lasting(), call)
      expect(await list()).toEqual([])
    })

    test('leave, and are told what stands at the path', async () => {
      const a = await lasting()
      const reign = await win('a', a)
      await claim('b', await lasting())
      const left = await candidates.leave(path, 'b', call)
      expect(left).toEqual({
        entry: { text: 'a claimed', token: reign.token, revision: reign.token, lease: a.id },
        revision: await revision(),
      })
      expect(await list()).toEqual([])
      // Once more changes nothing.
      await candidates.leave(path, 'b', call)
      expect(await revision()).toBe(left.revision)
    })

    test('are installed in one revision, in which the path is never vacant', async () => {
      const [a, b] = [await lasting(), await lasting()]
      const first = await win('a', a)
      await claim('b', b)
      const recorder = new Recorder()
      watches.push(store.watch(path, first.token, recorder))
      const second = await install(first, 'b')
      expect(second.token).toBe(await revision())
      expect(second.token).toBeGreaterThan(first.token)
      expect(await list()).toEqual([])
      expect((await store.read(path, call)).entry).toMatchObject({
        text: 'b installed',
        revision: second.token,
        lease: b.id,
      })
      await recorder.firstOf('b installed')
      expect(recorder.texts).toEqual(['a claimed', 'b installed'])
      await store.revoke(a, call)
      expect((await store.read(path, call)).entry?.text).toBe('b installed')
      await store.revoke(b, call)
      expect((await store.read(path, call)).entry).toBeNull()
    })

    test('reign as those do that have claimed', async () => {
      const [a, b] = [await lasting(), await lasting()]
      const first = await win('a', a)
      await claim('b', b)
      const second = await install(first, 'b')
      expect(await store.propose(path, 'b proposed', second, call)).toBeGreaterThan(second.token)
      expect(await store.propose(path, 'b again', second, call)).toBeGreaterThan(second.token)
      await store.release(path, { ...second, token: second.token + 1 }, null, call)
      expect((await store.read(path, call)).entry?.text).toBe('b again')
      await store.release(path, second, 'b leaves', call)
      expect((await store.read(path, call)).entry).toBeNull()
      const third = await win('a', a)
      expect(third.token).toBeGreaterThan(second.token)
      expect(await store.propose(path, 'a proposed', third, call)).toBeGreaterThan(third.token)
    })

    test('are not installed once they have left, or their lease is gone, or the reign is over', async () => {
      const [a, b, c] = [await lasting(), await lasting(), await lasting()]
      const reign = await win('a', a)
      await claim('b', b)
      await claim('c', c)
      const [leaves, ends] = [await waiting('b'), await waiting('c')]
      await candidates.leave(path, 'b', call)
      await store.revoke(c, call)
      const before = await revision()
      expect(await candidates.install(path, reign, leaves, call)).toBeNull()
      expect(await candidates.install(path, reign, ends, call)).toBeNull()
      expect(await revision()).toBe(before)
      await claim('b', b)
      const candidate = await waiting('b')
      await store.release(path, reign, null, call)
      expect(await candidates.install(path, reign, candidate, call)).toBeNull()
      const again = await win('a', a)
      expect(await candidates.install(path, reign, candidate, call)).toBeNull()
      expect(await candidates.install(path, again, candidate, call)).not.toBeNull()
    })

    test('late requests of an earlier reign change nothing, on the same lease and key', async () => {
      const [a, b] = [await lasting(), await lasting()]
      const first = await win('a', a)
      await claim('b', b)
      const second = await install(first, 'b')
      await claim('a', a)
      const third = await install(second, 'a')
      await claim('b', b)
      const rival = await waiting('b')
      const before = await revision()
      for (const earlier of [first, second]) {
        expect(await store.propose(path, 'late', earlier, call)).toBeNull()
        await store.release(path, earlier, null, call)
        await store.release(path, earlier, 'a notice', call)
        expect(await candidates.install(path, earlier, rival, call)).toBeNull()
      }
      expect(await revision()).toBe(before)
      expect((await store.read(path, call)).entry?.text).toBe('a installed')
      await claim('b', b)
      const fourth = await install(third, 'b')
      await claim('a', a)
      const fifth = await install(fourth, 'a')
      expect(await store.propose(path, 'late', third, call)).toBeNull()
      expect(await store.propose(path, 'in time', fifth, call)).not.toBeNull()
    })

    test('a key that an operator deleted or wrote belongs to no reign that was handed over', async () => {
      const [a, b] = [await lasting(), await lasting()]
      const first = await win('a', a)
      await claim('b', b)
      const second = await install(first, 'b')
      await under.operator.put(path, 'junk')
      expect(await store.propose(path, 'late', second, call)).toBeNull()
      await under.operator.delete(path)
      const third = await win('b', b)
      expect(await store.propose(path, 'late', second, call)).toBeNull()
      expect(await store.propose(path, 'in time', third, call)).not.toBeNull()
    })

    test('are not installed for having come last once another has come', async () => {
      const [b, c] = [await lasting(), await lasting()]
      const reign = await win('a', await lasting())
      await claim('b', b)
      const { revision: knownUpTo } = await candidates.list(path, call)
      const chosen = { ...(await waiting('b')), knownUpTo }
      await claim('c', c, `${path}/other`)
      await win('c', c, `${path}/another`)
      await claim('c', c)
      expect(await candidates.install(path, reign, chosen, call)).toBeNull()
      const { revision: knownNow } = await candidates.list(path, call)
      const known = { ...chosen, knownUpTo: knownNow }
      expect(await candidates.install(path, reign, known, call)).not.toBeNull()
    })

    test('are not installed for having come last once another was entered by itself', async () => {
      const reign = await win('a', await lasting())
      await claim('b', await lasting())
      const { revision: knownUpTo } = await candidates.list(path, call)
      const chosen = { ...(await waiting('b')), knownUpTo }
      await candidates.enter(path, { instance: 'c', text: 'c' }, await lasting(), call)
      expect(await candidates.install(path, reign, chosen, call)).toBeNull()
      expect(await namesAt()).toEqual(['b', 'c'])
    })

    test('300 paths are handed over in one turn', async () => {
      const paths = Array.from({ length: 300 }, (_, index) => `${path}/${index}`)
      const [a, b] = [await lasting(), await lasting()]
      const reigns = await Promise.all(paths.map((at) => win('a', a, at)))
      await Promise.all(paths.map((at) => claim('b', b, at)))
      const found = await Promise.all(paths.map((at) => waiting('b', at)))
      const tokens = await Promise.all(
        reigns.map(async (reign, index) => {
          const [at, candidate] = [paths[index], found[index]]
          if (at === undefined || candidate === undefined) throw new Error('a path is missing')
          return await candidates.install(at, reign, candidate, call)
        }),
      )
      expect(tokens).not.toContain(null)
      expect((await store.read(`${path}/299`, call)).entry?.text).toBe('b installed')
    })
  })
}
