import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LeaseGoneError } from '../../src/errors.js'
import type { Claim, Entry, Lease, Reign, Sighting, Store, Watch } from '../../src/stores/store.js'
import { patiently } from '../patience.js'
import { Recorder } from './recorder.js'

/** What someone does to the store from outside of every election. */
export interface Operator {
  /** Writes with no lease, over whatever stands there. */
  put(path: string, text: string): Promise<void>
  delete(path: string): Promise<void>
  revoke(leaseId: string): Promise<void>
  /** Drops the history before the newest revision. */
  compact(): Promise<void>
}

/** What is not asked of a store, because what is behind it has no such thing. */
export interface Limits {
  /** Leases are kept by the process that they were granted to: nobody else can name or revoke them. */
  readonly leasesAreLocal?: true
  /** Each key of a lease expires in a revision of its own. */
  readonly keysExpireOneByOne?: true
  /** Keys are files in directories: `a`, `a/` and `a/b` cannot be three keys. */
  readonly keysAreFiles?: true
}

export interface StoreUnderTest {
  readonly store: Store
  /** The same data through another process's eyes: a second client, where there is such a thing. */
  readonly peer: Store
  /** What to ask for, in seconds; the store may grant another. */
  readonly ttl: {
    /** For leases that are waited for: the shortest the store grants. */
    readonly shortest: number
    /** For leases that must not expire during a test. */
    readonly ample: number
  }
  readonly operator: Operator
  /** Lets time pass, on the clock that leases run on. */
  elapse(ms: number): Promise<void>
  stop(): Promise<void>
}

const call = { timeoutMs: 60_000 }
const batch = Array.from({ length: 200 }, (_, index) => index)

/** What every store must do, word for word the same for each of them, but for what `limits` names. */
export function describeStore(
  name: string,
  make: () => Promise<StoreUnderTest>,
  limits: Limits = {},
): void {
  const withSharedLeases = test.skipIf(limits.leasesAreLocal)
  describe(name, () => {
    let under: StoreUnderTest
    let store: Store
    let operator: Operator
    let folder: string
    let path: string
    let watches: Watch[]

    beforeEach(async () => {
      under = await make()
      store = under.store
      operator = under.operator
      folder = `contract/${randomUUID()}`
      path = `${folder}/path`
      watches = []
    })

    afterEach(async () => {
      for (const watch of watches) watch.close()
      store.closeIdle()
      under.peer.closeIdle()
      await under.stop()
    })

    const lasting = () => store.grant(under.ttl.ample, call)
    const brief = () => store.grant(under.ttl.shortest, call)

    async function goneLease(): Promise<Lease> {
      const lease = await lasting()
      await store.revoke(lease, call)
      return lease
    }

    async function win(at: string, text: string, lease: Lease): Promise<Reign> {
      return { token: tokenOf(await store.claim(at, text, lease, call)), lease: lease.id }
    }

    function watchFrom(from: number, at = path, by = store): Recorder {
      const recorder = new Recorder()
      watches.push(by.watch(at, from, recorder))
      return recorder
    }

    async function watchFromNow(at = path): Promise<Recorder> {
      const { revision } = await store.read(at, call)
      return watchFrom(revision + 1, at)
    }

    async function entryAt(at = path): Promise<Entry | null> {
      return (await store.read(at, call)).entry
    }

    describe('a claim', () => {
      test('of a vacant path is won, and its token is the revision the key was created at', async () => {
        const lease = await lasting()
        const token = tokenOf(await store.claim(path, 'me', lease, call))
        expect(await entryAt()).toEqual({ text: 'me', token, revision: token, lease: lease.id })
      })

      test('of a held path is lost to the entry that stands there', async () => {
        const lease = await lasting()
        const first = await win(path, 'first', lease)
        const revision = await store.propose(path, 'first, changed', first, call)
        const lost = await store.claim(path, 'second', await lasting(), call)
        const entry = { text: 'first, changed', token: first.token, revision, lease: lease.id }
        expect(lost).toEqual({ won: false, entry, revision: expect.any(Number) })
        expect(lost.won || lost.revision).toBeGreaterThanOrEqual(Number(revision))
        expect(await entryAt()).toEqual(entry)
      })

      test('wins for exactly one of 50 that race', async () => {
        const leases = await Promise.all([lasting(), under.peer.grant(under.ttl.ample, call)])
        const claims = await Promise.all(
          batch.slice(0, 50).flatMap((index) => {
            const lease = leases[index % 2]
            if (lease === undefined) return []
            const by = index % 2 === 0 ? store : under.peer
            return [by.claim(path, `node ${index}`, lease, call)]
          }),
        )
        expect(claims).toHaveLength(50)
        const token = tokenOf(one(claims.filter(({ won }) => won)))
        const winner = claims.findIndex(({ won }) => won)
        const entryFor = (by: Store) => ({
          text: `node ${winner}`,
          token,
          revision: token,
          lease:
            limits.leasesAreLocal && by !== [store, under.peer][winner % 2]
              ? expect.any(String)
              : leases[winner % 2]?.id,
        })
        let lost = 0
        for (const [index, claim] of claims.entries()) {
          if (claim.won) continue
          lost += 1
          expect(claim.entry).toEqual(entryFor(index % 2 === 0 ? store : under.peer))
          expect(claim.revision).toBeGreaterThanOrEqual(token)
        }
        expect(lost).toBe(49)
        expect(await entryAt()).toEqual(entryFor(store))
      })

      test('wins once when the texts are equal and the leases are not', async () => {
        const leases = [await lasting(), await lasting()]
        const claims = await Promise.all(
          leases.map((lease) => store.claim(path, 'same', lease, call)),
        )
        const winner = claims.findIndex(({ won }) => won)
        expect(claims.filter(({ won }) => won)).toHaveLength(1)
        expect(one(claims.filter((claim) => !claim.won)).entry.lease).toBe(leases[winner]?.id)
      })

      test('repeated with the same text and lease finds its own entry, and changes nothing', async () => {
        const lease = await lasting()
        const { token } = await win(path, 'same', lease)
        const again = await store.claim(path, 'same', lease, call)
        const entry = { text: 'same', token, revision: token, lease: lease.id }
        expect(again).toMatchObject({ won: false, entry })
        expect(await entryAt()).toEqual(entry)
      })

      test('wins again after each release, with a token that grows', async () => {
        const lease = await lasting()
        const tokens: number[] = []
        for (const round of [1, 2, 3, 4, 5]) {
          const reign = await win(path, `round ${round}`, lease)
          expect((await entryAt())?.token).toBe(reign.token)
          tokens.push(reign.token)
          await store.release(path, reign, null, call)
          expect(await entryAt()).toBeNull()
        }
        expectToGrow(tokens)
      })

      test('wins after the operator deleted what stood there', async () => {
        const lease = await lasting()
        const first = await win(path, 'first', lease)
        await operator.delete(path)
        const second = await win(path, 'second', lease)
        expectToGrow([first.token, second.token])
      })

      test('with a lease that is gone rejects with LeaseGoneError, and writes nothing', async () => {
        const lease = await goneLease()
        await expect(store.claim(path, 'me', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
        expect(await entryAt()).toBeNull()
      })

      test('with a lease that never was rejects with LeaseGoneError', async () => {
        const lease = { id: '4242424242', ttlMs: 10_000 }
        await expect(store.claim(path, 'me', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
      })

      test('is lost to what an operator wrote, which has no lease', async () => {
        await operator.put(path, '{"junk":')
        const lost = await store.claim(path, 'me', await lasting(), call)
        expect(lost).toMatchObject({ won: false, entry: { text: '{"junk":', lease: null } })
      })
    })

    describe('200 claims in one turn', () => {
      const pathOf = (index: number) => `${folder}/${index}`
      const claimAll = (leaseOf: (index: number) => Lease, at = pathOf) =>
        Promise.allSettled(
          batch.map((index) => store.claim(at(index), `text ${index}`, leaseOf(index), call)),
        )

      async function expectWonAt(index: number, outcome: PromiseSettledResult<Claim>) {
        const token = tokenOf(fulfilled(outcome))
        expect(await entryAt(pathOf(index))).toMatchObject({ text: `text ${index}`, token })
      }

      test('each get their own answer', async () => {
        const lease = await lasting()
        const outcomes = await claimAll(() => lease)
        await Promise.all(outcomes.map((outcome, index) => expectWonAt(index, outcome)))
      })

      test('each get their own answer when their texts are long', async () => {
        const lease = await lasting()
        const text = 'x'.repeat(20_000)
        const claims = await Promise.all(
          batch.map((index) => store.claim(pathOf(index), `${index} ${text}`, lease, call)),
        )
        for (const [index, claim] of claims.entries()) {
          const entry = await entryAt(pathOf(index))
          expect(entry?.token).toBe(tokenOf(claim))
          expect(entry?.text === `${index} ${text}`).toBe(true)
        }
      })

      test('each get their own answer when one has a lease that is gone', async () => {
        const lease = await lasting()
        const gone = await goneLease()
        const outcomes = await claimAll((index) => (index === 117 ? gone : lease))
        await Promise.all(
          outcomes.map(async (outcome, index) => {
            if (index !== 117) return expectWonAt(index, outcome)
            expect(rejection(outcome)).toBeInstanceOf(LeaseGoneError)
            expect(await entryAt(pathOf(index))).toBeNull()
          }),
        )
      })

      test('each get their own answer when two are for the same path', async () => {
        const lease = await lasting()
        const outcomes = await claimAll(
          () => lease,
          (index) => pathOf(index === 150 ? 30 : index),
        )
        const rivals = [30, 150].flatMap((index) => outcomes[index] ?? []).map(fulfilled)
        const token = tokenOf(one(rivals.filter(({ won }) => won)))
        expect(one(rivals.filter((claim) => !claim.won)).entry).toEqual(await entryAt(pathOf(30)))
        expect((await entryAt(pathOf(30)))?.token).toBe(token)
        await Promise.all(
          outcomes.map(async (outcome, index) => {
            if (index !== 30 && index !== 150) await expectWonAt(index, outcome)
          }),
        )
      })

      test('each get their own answer when some paths are held', async () => {
        const lease = await lasting()
        const holder = await lasting()
        const held = new Map<number, Reign>()
        for (const index of [0, 77, 199]) {
          held.set(index, await win(pathOf(index), `held ${index}`, holder))
        }
        const outcomes = await claimAll(() => lease)
        await Promise.all(
          outcomes.map(async (outcome, index) => {
            const reign = held.get(index)
            if (reign === undefined) return expectWonAt(index, outcome)
            const entry = { text: `held ${index}`, ...reign, revision: reign.token }
            expect(fulfilled(outcome)).toMatchObject({ won: false, entry })
            expect(await entryAt(pathOf(index))).toEqual(entry)
          }),
        )
      })

      test('each get their own answer when all of that happens at once', async () => {
        const lease = await lasting()
        const gone = await goneLease()
        const { token } = await win(pathOf(9), 'held', lease)
        const outcomes = await claimAll(
          (index) => (index === 3 ? gone : lease),
          (index) => pathOf(index === 5 ? 4 : index),
        )
        await Promise.all(
          outcomes.map(async (outcome, index) => {
            if (index === 3) expect(rejection(outcome)).toBeInstanceOf(LeaseGoneError)
            else if (index === 9) expect(fulfilled(outcome)).toMatchObject({ entry: { token } })
            else if (index !== 4 && index !== 5) await expectWonAt(index, outcome)
          }),
        )
        const rivals = [4, 5].flatMap((index) => outcomes[index] ?? []).map(fulfilled)
        expect(rivals.filter(({ won }) => won)).toHaveLength(1)
      })
    })

    describe('200 calls of other kinds in one turn', () => {
      test('each get their own answer', async () => {
        const lease = await lasting()
        const reigns = await Promise.all(
          batch.map((index) => win(`${folder}/${index}`, `text ${index}`, lease)),
        )
        const stale = (index: number) => index % 10 === 7
        const outcomes = await Promise.all(
          reigns.map(async ({ token }, index) => {
            const at = `${folder}/${index}`
            const reign = { token: stale(index) ? token - 1 : token, lease: lease.id }
            if (index % 3 === 0) return store.read(at, call)
            if (index % 3 === 1) return store.propose(at, `changed ${index}`, reign, call)
            return store.release(at, reign, null, call)
          }),
        )
        const entries = await Promise.all(batch.map((index) => entryAt(`${folder}/${index}`)))
        for (const [index, outcome] of outcomes.entries()) {
          const token = reigns[index]?.token
          const before = { text: `text ${index}`, token, revision: token, lease: lease.id }
          if (index % 3 === 0) {
            expect(outcome).toEqual({ entry: before, revision: expect.any(Number) })
          } else if (stale(index)) {
            expect(outcome).toBe(index % 3 === 1 ? null : undefined)
            expect(entries[index]).toEqual(before)
          } else if (index % 3 === 1) {
            expect(entries[index]).toEqual({
              ...before,
              text: `changed ${index}`,
              revision: outcome,
            })
          } else {
            expect(outcome).toBeUndefined()
            expect(entries[index]).toBeNull()
          }
        }
      })
    })

    describe('a text', () => {
      const texts = {
        'that is empty': '',
        'with quotes and line ends': '"\'`\\\n\r\t\u0000',
        'of many scripts': 'Grüße, мир, 世界, 🗳️👩‍👩‍👧, \u2028\uFEFF',
        'of 100 kB': 'ä🗳x'.repeat(100_000 / 7),
      }
      for (const [kind, text] of Object.entries(texts)) {
        test(`${kind} is kept as it is`, async () => {
          const recorder = await watchFromNow()
          const lease = await lasting()
          const reign = await win(path, text, lease)
          expect((await entryAt())?.text).toBe(text)
          const lost = await store.claim(path, 'other', lease, call)
          expect(!lost.won && lost.entry.text === text).toBe(true)
          await store.propose(path, 'between', reign, call)
          await store.propose(path, text, reign, call)
          await store.propose(path, 'end', reign, call)
          await recorder.firstOf('end')
          expect(recorder.texts).toEqual([text, 'between', text, 'end'])
        })
      }
    })

    describe('a read', () => {
      test('of a vacant path has no entry, and a revision', async () => {
        const { entry, revision } = await store.read(path, call)
        expect(entry).toBeNull()
        expect(revision).toBeGreaterThan(0)
      })

      test('never has a revision older than what is known to have happened', async () => {
        const reign = await win(path, 'me', await lasting())
        expect((await store.read(path, call)).revision).toBeGreaterThanOrEqual(reign.token)
        await operator.put(`${folder}/other`, 'x')
        const { revision } = await store.read(path, call)
        expect(revision).toBeGreaterThan(reign.token)
        await store.release(path, reign, null, call)
        expect((await store.read(path, call)).revision).toBeGreaterThan(revision)
      })

      test('by another client sees a claim at once', async () => {
        const { token } = await win(path, 'me', await lasting())
        expect((await under.peer.read(path, call)).entry).toMatchObject({ text: 'me', token })
      })

      test('of what an operator wrote shows an entry with no lease', async () => {
        await operator.put(path, 'junk')
        const entry = await entryAt()
        expect(entry).toEqual({
          text: 'junk',
          token: entry?.revision,
          revision: expect.any(Number),
          lease: null,
        })
      })
    })

    describe('a proposal', () => {
      test('by the holder keeps the token and the lease, and raises the revision', async () => {
        const lease = await lasting()
        const reign = await win(path, 'old', lease)
        const revision = await store.propose(path, 'new', reign, call)
        expectToGrow([reign.token, Number(revision)])
        expect(await entryAt()).toEqual({ text: 'new', ...reign, revision })
      })

      test('leaves the key attached to its lease', async () => {
        const lease = await lasting()
        const reign = await win(path, 'old', lease)
        await store.propose(path, 'new', reign, call)
        await store.revoke(lease, call)
        expect(await entryAt()).toBeNull()
      })

      test('with another token, with another lease, or at a vacant path resolves null', async () => {
        const lease = await lasting()
        const other = await lasting()
        const reign = await win(path, 'old', lease)
        const before = await entryAt()
        const refused = [
          await store.propose(path, 'new', { ...reign, token: reign.token - 1 }, call),
          await store.propose(path, 'new', { ...reign, token: reign.token + 1 }, call),
          await store.propose(path, 'new', { ...reign, lease: other.id }, call),
          await store.propose(`${folder}/vacant`, 'new', reign, call),
        ]
        expect(refused).toEqual([null, null, null, null])
        expect(await entryAt()).toEqual(before)
        expect(await entryAt(`${folder}/vacant`)).toBeNull()
      })

      test('after the reign ended resolves null, whoever reigns now', async () => {
        const lease = await lasting()
        const first = await win(path, 'first', lease)
        await store.release(path, first, null, call)
        expect(await store.propose(path, 'late', first, call)).toBeNull()
        await win(path, 'second', lease)
        expect(await store.propose(path, 'late', first, call)).toBeNull()
        expect((await entryAt())?.text).toBe('second')
      })

      test('after an operator overwrote the key resolves null, though the token stands', async () => {
        const reign = await win(path, 'old', await lasting())
        await operator.put(path, 'overwritten')
        expect(await store.propose(path, 'new', reign, call)).toBeNull()
        expect(await entryAt()).toMatchObject({
          text: 'overwritten',
          token: reign.token,
          lease: null,
        })
      })

      withSharedLeases('after an operator revoked the lease resolves null', async () => {
        const lease = await lasting()
        const reign = await win(path, 'old', lease)
        await operator.revoke(lease.id)
        expect(await store.propose(path, 'new', reign, call)).toBeNull()
      })

      test('after the lease was revoked resolves null', async () => {
        const lease = await lasting()
        const reign = await win(path, 'old', lease)
        await store.revoke(lease, call)
        expect(await store.propose(path, 'new', reign, call)).toBeNull()
      })
    })

    describe('a release', () => {
      test('by the holder vacates the path, once', async () => {
        const reign = await win(path, 'me', await lasting())
        await store.release(path, reign, null, call)
        expect(await entryAt()).toBeNull()
        const { revision } = await store.read(path, call)
        const recorder = watchFrom(revision + 1)
        await store.release(path, reign, null, call)
        expect(await entryAt()).toBeNull()
        await operator.put(path, 'next')
        await recorder.firstOf('next')
        expect(recorder.texts).toEqual(['next'])
      })

      test('works after a proposal, with the token of the claim', async () => {
        const reign = await win(path, 'old', await lasting())
        await store.propose(path, 'new', reign, call)
        await store.release(path, reign, null, call)
        expect(await entryAt()).toBeNull()
      })

      test('with another token or another lease does nothing', async () => {
        const lease = await lasting()
        const other = await lasting()
        const reign = await win(path, 'me', lease)
        const before = await entryAt()
        const others = [
          { ...reign, token: reign.token - 1 },
          { ...reign, token: reign.token + 1 },
          { ...reign, lease: other.id },
        ]
        for (const another of others) {
          await store.release(path, another, null, call)
          expect(await entryAt()).toEqual(before)
        }
      })

      test('of an earlier reign does nothing to the one that stands', async () => {
        const lease = await lasting()
        const first = await win(path, 'first', lease)
        await store.release(path, first, null, call)
        await win(path, 'second', lease)
        await store.release(path, first, null, call)
        expect((await entryAt())?.text).toBe('second')
      })

      test('does nothing after an operator overwrote the key', async () => {
        const reign = await win(path, 'me', await lasting())
        await operator.put(path, 'overwritten')
        await store.release(path, reign, null, call)
        expect((await entryAt())?.text).toBe('overwritten')
      })

      test('with a notice shows it to a watch, and then the deletion', async () => {
        const paths = batch.map((index) => `${folder}/${index}`)
        const lease = await lasting()
        const reigns = await Promise.all(paths.map((at) => win(at, 'me', lease)))
        const seen = await Promise.all(paths.map((at) => watchFromNow(at)))
        await Promise.all(
          paths.map((at, index) => {
            const reign = reigns[index]
            if (reign === undefined) throw new Error(`nobody won ${at}`)
            return store.release(at, reign, `I leave ${index}`, call)
          }),
        )
        const entries = await Promise.all(paths.map((at) => entryAt(at)))
        expect(new Set(entries)).toEqual(new Set([null]))
        for (const [index, recorder] of seen.entries()) {
          await recorder.firstOf(null)
          expect(recorder.texts).toEqual([`I leave ${index}`, null])
        }
      })

      test('with a notice that is long shows it to a watch as well', async () => {
        const notice = 'I leave'.repeat(50_000)
        // A deletion may overtake it where a busy machine is late with an answer; not each time.
        await patiently(async () => {
          const reign = await win(path, 'me', await lasting())
          const recorder = watchFrom(reign.token + 1)
          await store.release(path, reign, notice, call)
          expect(await entryAt()).toBeNull()
          await recorder.firstOf(null)
          expect(recorder.texts).toEqual([notice, null])
        })
      })

      test('with a notice ends a reign for which something else is written at the same time', async () => {
        const reign = await win(path, 'me', await lasting())
        await Promise.all([
          store.propose(path, 'changed', reign, call),
          store.release(path, reign, 'I leave', call),
          store.propose(path, 'changed again', reign, call),
        ])
        expect(await entryAt()).toBeNull()
      })

      test('with a notice by another than the holder does nothing', async () => {
        const reign = await win(path, 'me', await lasting())
        const before = await entryAt()
        const stale = { ...reign, token: reign.token - 1 }
        await store.release(path, stale, 'I leave', call)
        expect(await entryAt()).toEqual(before)
      })
    })

    describe('a watch', () => {
      test('from a past revision reports all that happened since, once, in order', async () => {
        await operator.put(path, 'before')
        const { revision } = await store.read(path, call)
        await operator.put(path, 'a')
        await operator.delete(path)
        await operator.put(path, 'b')
        const recorder = watchFrom(revision + 1)
        await recorder.firstOf('b')
        await operator.put(path, 'c')
        await recorder.firstOf('c')
        expect(recorder.texts).toEqual(['a', null, 'b', 'c'])
        expectToGrow([revision, ...recorder.sightings.map((sighting) => sighting.revision)])
      })

      test('from the revision of a claim on reports the claim; from the next one on it does not', async () => {
        const { token } = await win(path, 'me', await lasting())
        const from = watchFrom(token)
        const after = watchFrom(token + 1)
        await operator.delete(path)
        await Promise.all([from.firstOf(null), after.firstOf(null)])
        expect(from.texts).toEqual(['me', null])
        expect(after.texts).toEqual([null])
      })

      test('that is live reports put, delete and put in order, with the entries as they were', async () => {
        const recorder = await watchFromNow()
        const lease = await lasting()
        const first = await win(path, 'first', lease)
        const proposed = await store.propose(path, 'first, changed', first, call)
        await store.release(path, first, null, call)
        const second = await win(path, 'second', lease)
        await recorder.firstOf('second')
        const [claimed, changed, vacated, claimedAgain] = recorder.sightings
        expect(claimed).toEqual(written('first', first, first.token))
        expect(changed).toEqual(written('first, changed', first, Number(proposed)))
        expect(vacated).toEqual({ entry: null, revision: expect.any(Number) })
        expect(claimedAgain).toEqual(written('second', second, second.token))
        expect(recorder.sightings).toHaveLength(4)
        expectToGrow(recorder.sightings.map(({ revision }) => revision))
      })

      test('reports what another client does', async () => {
        const { revision } = await store.read(path, call)
        const recorder = watchFrom(revision + 1, path, under.peer)
        const { token } = await win(path, 'me', await lasting())
        expect((await recorder.firstOf('me')).entry?.token).toBe(token)
      })

      test('shows what an operator writes over an entry as an entry with no lease', async () => {
        const { token } = await win(path, 'me', await lasting())
        const recorder = watchFrom(token + 1)
        await operator.put(path, 'junk')
        const { entry, revision } = await recorder.firstOf('junk')
        expect(entry).toEqual({ text: 'junk', token, revision, lease: null })
      })

      test('never reports another path, though it begins like this one', async () => {
        const { revision } = await store.read(path, call)
        const others = [
          ...(limits.keysAreFiles ? [] : [`${path}/`, `${path}/a`]),
          `${path}a`,
          `${path}\u0000`,
          path.slice(0, -1),
        ]
        const past = await Promise.all(others.map((other) => operator.put(other, 'another')))
        expect(past).toHaveLength(limits.keysAreFiles ? 3 : 5)
        const recorders = [watchFrom(revision + 1), await watchFromNow()]
        for (const other of others) {
          await operator.put(other, 'another')
          await operator.delete(other)
        }
        await operator.put(path, 'mine')
        await Promise.all(recorders.map((recorder) => recorder.firstOf('mine')))
        expect(recorders.map(({ texts }) => texts)).toEqual([['mine'], ['mine']])
      })

      test('of each of several on one path reports everything since its own revision', async () => {
        const { revision } = await store.read(path, call)
        const early = watchFrom(revision + 1)
        await operator.put(path, 'a')
        const same = watchFrom(revision + 1)
        await early.firstOf('a')
        const late = await watchFromNow()
        await operator.put(path, 'b')
        await Promise.all([early, same, late].map((recorder) => recorder.firstOf('b')))
        expect(early.texts).toEqual(['a', 'b'])
        expect(same.texts).toEqual(['a', 'b'])
        expect(late.texts).toEqual(['b'])
      })

      test('hears nothing inside the call that opens it, nor inside a call that changes its path', async () => {
        const lease = await lasting()
        const reign = await win(path, 'me', lease)
        const recorder = watchFrom(reign.token)
        expect(recorder.sightings).toEqual([])
        await recorder.firstOf('me')
        const proposed = store.propose(path, 'changed', reign, call)
        expect(recorder.texts).toEqual(['me'])
        await proposed
        await recorder.firstOf('changed')
      })

      test('that is closed hears nothing more, while others on its path do', async () => {
        const { revision } = await store.read(path, call)
        const closed = new Recorder()
        const watch = store.watch(path, revision + 1, closed)
        const open = watchFrom(revision + 1)
        await operator.put(path, 'a')
        await Promise.all([closed.firstOf('a'), open.firstOf('a')])
        watch.close()
        watch.close()
        await operator.put(path, 'b')
        await open.firstOf('b')
        // Another change, so that what was on its way to the closed one has arrived.
        const last = await watchFromNow()
        await operator.put(path, 'c')
        await Promise.all([open.firstOf('c'), last.firstOf('c')])
        expect(closed.texts).toEqual(['a'])
        expect(open.texts).toEqual(['a', 'b', 'c'])
      })

      test('closed before its history arrives hears nothing', async () => {
        await operator.put(path, 'a')
        const closed = new Recorder()
        store.watch(path, 1, closed).close()
        const open = await watchFromNow()
        await operator.put(path, 'b')
        await open.firstOf('b')
        expect(closed.texts).toEqual([])
      })

      test('that the listener of another one closes hears nothing more', async () => {
        const { revision } = await store.read(path, call)
        let isClosed = false
        const late: (string | null)[] = []
        const first = new Recorder()
        const watch = store.watch(path, revision + 1, {
          seen(sighting) {
            first.seen(sighting)
            second.close()
            isClosed = true
          },
          retrying() {},
          refused() {},
        })
        const second = store.watch(path, revision + 1, {
          seen({ entry }) {
            if (isClosed) late.push(entry?.text ?? null)
          },
          retrying() {},
          refused() {},
        })
        watches.push(watch, second)
        await operator.put(path, 'a')
        await operator.put(path, 'b')
        await first.firstOf('b')
        const last = await watchFromNow()
        await operator.put(path, 'c')
        await last.firstOf('c')
        expect(late).toEqual([])
      })

      test('can be closed by its own listener', async () => {
        const { revision } = await store.read(path, call)
        const texts: (string | null)[] = []
        const watch = store.watch(path, revision + 1, {
          seen({ entry }) {
            texts.push(entry?.text ?? null)
            watch.close()
          },
          retrying() {},
          refused() {},
        })
        const open = watchFrom(revision + 1)
        await Promise.all(['a', 'b', 'c'].map((text) => operator.put(path, text)))
        await open.first(() => open.sightings.length === 3)
        expect(texts).toHaveLength(1)
      })
    })

    describe('after compaction', () => {
      test('a watch from before it reports the entry as it is now, and goes on', async () => {
        const { revision } = await store.read(path, call)
        for (const text of ['a', 'b', 'c']) await operator.put(path, text)
        await operator.put(`${folder}/other`, 'x')
        await operator.compact()
        const before = await store.read(path, call)
        const recorder = watchFrom(revision + 1)
        const first = await recorder.firstOf('c')
        expect(first.entry).toEqual(before.entry)
        expect(first.revision).toBeGreaterThanOrEqual(Number(before.entry?.revision))
        await operator.put(path, 'd')
        await operator.delete(path)
        await recorder.firstOf(null)
        expect(recorder.texts).toEqual(['c', 'd', null])
        expectToGrow(recorder.sightings.map((sighting) => sighting.revision))
      })

      test('a watch from before it reports that the path is vacant, and goes on', async () => {
        const reign = await win(path, 'me', await lasting())
        await store.release(path, reign, null, call)
        await operator.put(`${folder}/other`, 'x')
        await operator.compact()
        const recorder = watchFrom(reign.token + 1)
        expect((await recorder.firstOf(null)).revision).toBeGreaterThan(reign.token)
        await operator.put(path, 'next')
        await recorder.firstOf('next')
        expect(recorder.texts).toEqual([null, 'next'])
      })

      test('a watch from before it learns of a deletion at the very revision compacted to', async () => {
        const reign = await win(path, 'me', await lasting())
        await store.release(path, reign, null, call)
        await operator.compact()
        const recorder = watchFrom(reign.token + 1)
        await recorder.firstOf(null)
      })

      test('a watch that was open goes on and misses nothing', async () => {
        const recorder = await watchFromNow()
        await operator.put(path, 'a')
        await recorder.firstOf('a')
        await operator.put(path, 'b')
        await operator.compact()
        await operator.put(path, 'c')
        await recorder.firstOf('c')
        expect(recorder.texts).toEqual(['a', 'b', 'c'])
      })

      test('claims, proposals, reads and releases are as before', async () => {
        const lease = await lasting()
        const reign = await win(path, 'me', lease)
        await operator.put(`${folder}/other`, 'x')
        await operator.compact()
        expect(await entryAt()).toEqual({ text: 'me', ...reign, revision: reign.token })
        expect(await store.claim(path, 'you', lease, call)).toMatchObject({ won: false })
        expect(await store.propose(path, 'changed', reign, call)).toBeGreaterThan(reign.token)
        await store.release(path, reign, null, call)
        expect(await entryAt()).toBeNull()
      })
    })

    describe('a lease', () => {
      test('has an id of its own, and at least the ttl asked for', async () => {
        const leases = await Promise.all([brief(), brief(), lasting()])
        expect(new Set(leases.map(({ id }) => id)).size).toBe(3)
        expect(leases[0].ttlMs).toBeGreaterThanOrEqual(under.ttl.shortest * 1_000)
        expect(leases[2].ttlMs).toBeGreaterThanOrEqual(under.ttl.ample * 1_000)
      })

      test('that is not renewed expires: its keys are deleted, as watch and read see', async () => {
        const lease = await brief()
        const reign = await win(path, 'me', lease)
        const other = await win(`${folder}/other`, 'me too', lease)
        const recorders = [
          watchFrom(reign.token + 1),
          watchFrom(other.token + 1, `${folder}/other`),
        ]
        await under.elapse(lease.ttlMs)
        const [vacated, vacatedToo] = await Promise.all(recorders.map((r) => r.firstOf(null)))
        if (!limits.keysExpireOneByOne) expect(vacatedToo?.revision).toBe(vacated?.revision)
        expect(recorders.map(({ texts }) => texts)).toEqual([[null], [null]])
        expect(await entryAt()).toBeNull()
        expect(await entryAt(`${folder}/other`)).toBeNull()
        expect(await store.propose(path, 'late', reign, call)).toBeNull()
        await store.release(path, reign, null, call)
        expect(await entryAt()).toBeNull()
        await expect(store.renew(lease, call, [path])).rejects.toBeInstanceOf(LeaseGoneError)
        await expect(store.claim(path, 'me', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
      })

      test('does not expire before its time', async () => {
        // What is left then is for a machine that is busy.
        const lease = await store.grant(under.ttl.shortest * 3, call)
        await win(path, 'me', lease)
        await under.elapse(lease.ttlMs * 0.5)
        expect(await entryAt()).not.toBeNull()
      })

      test('that is renewed lives on from then, and expires when it no longer is', async () => {
        const lease = await store.grant(under.ttl.shortest * 3, call)
        const { token } = await win(path, 'me', lease)
        const recorder = watchFrom(token + 1)
        for (const _ of [1, 2, 3]) {
          await under.elapse(lease.ttlMs * 0.5)
          expect(await store.renew(lease, call, [path])).toBe(lease.ttlMs)
        }
        expect(recorder.texts).toEqual([])
        expect((await entryAt())?.token).toBe(token)
        await under.elapse(lease.ttlMs)
        await recorder.firstOf(null)
      })

      test('that is revoked deletes its keys, all of them and no others', async () => {
        const lease = await lasting()
        const other = await lasting()
        const paths = batch.slice(0, 20).map((index) => `${folder}/${index}`)
        const reigns = await Promise.all(
          paths.map((at, index) => win(at, 'me', index === 7 ? other : lease)),
        )
        const recorders = reigns.map(({ token }, index) => watchFrom(token + 1, paths[index]))
        await store.revoke(lease, call)
        await Promise.all(
          recorders.map(async (recorder, index) => index === 7 || recorder.firstOf(null)),
        )
        const entries = await Promise.all(paths.map((at) => entryAt(at)))
        expect(entries.filter((entry) => entry !== null)).toEqual([entries[7]])
        expect(entries[7]?.lease).toBe(other.id)
        expect(recorders[7]?.texts).toEqual([])
        expect(await store.renew(other, call, [path])).toBe(other.ttlMs)
      })

      withSharedLeases(
        'that an operator revokes is gone for watch, renewal and claim',
        async () => {
          const lease = await lasting()
          const { token } = await win(path, 'me', lease)
          const recorder = watchFrom(token + 1)
          await operator.revoke(lease.id)
          await recorder.firstOf(null)
          await expect(store.renew(lease, call, [path])).rejects.toBeInstanceOf(LeaseGoneError)
          await expect(store.claim(path, 'me', lease, call)).rejects.toBeInstanceOf(LeaseGoneError)
        },
      )

      test('that is gone already can be revoked without error', async () => {
        const lease = await goneLease()
        await expect(store.revoke(lease, call)).resolves.toBeUndefined()
      })

      test('that is gone or never was cannot be renewed, though others can', async () => {
        const [standing, gone] = [await lasting(), await goneLease()]
        const unknown = { id: '4242424242', ttlMs: 10_000 }
        const [renewed, ...refused] = await Promise.allSettled(
          [standing, gone, unknown].map((lease) => store.renew(lease, call, [path])),
        )
        expect(renewed).toEqual({ status: 'fulfilled', value: standing.ttlMs })
        expect(refused.map(rejection)).toEqual([
          expect.any(LeaseGoneError),
          expect.any(LeaseGoneError),
        ])
      })

      test('does not take along a key that an operator overwrote', async () => {
        const lease = await lasting()
        await win(path, 'me', lease)
        await operator.put(path, 'overwritten')
        await store.revoke(lease, call)
        expect((await entryAt())?.text).toBe('overwritten')
      })

      test('does not take along what another lease holds at a path it once held', async () => {
        const first = await lasting()
        await store.release(path, await win(path, 'first', first), null, call)
        const second = await lasting()
        await win(path, 'second', second)
        await store.revoke(first, call)
        expect(await entryAt()).toMatchObject({ text: 'second', lease: second.id })
      })
    })

    test('1,000 paths are claimed, watched and released at once', async () => {
      const lease = await lasting()
      const paths = Array.from({ length: 1_000 }, (_, index) => `${folder}/${index}`)
      const reigns = await Promise.all(paths.map((at) => win(at, at, lease)))
      const recorders = reigns.map(({ token }, index) => watchFrom(token, paths[index]))
      await Promise.all(recorders.map((recorder, index) => recorder.firstOf(paths[index] ?? '')))
      await Promise.all(
        reigns.map((reign, index) => store.release(paths[index] ?? '', reign, null, call)),
      )
      await Promise.all(recorders.map((recorder) => recorder.firstOf(null)))
      for (const [index, { texts, sightings }] of recorders.entries()) {
        expect(texts).toEqual([paths[index], null])
        expect(sightings[0]?.revision).toBe(reigns[index]?.token)
        expectToGrow(sightings.map(({ revision }) => revision))
      }
      const entries = await Promise.all(paths.map((at) => entryAt(at)))
      expect(entries.filter((entry) => entry === null)).toHaveLength(1_000)
    })

    describe('after closeIdle()', () => {
      test('the store can be used again, and nothing in it has changed', async () => {
        const lease = await lasting()
        const reign = await win(path, 'me', lease)
        const closed = new Recorder()
        const watch = store.watch(path, reign.token, closed)
        await closed.firstOf('me')
        watch.close()
        store.closeIdle()
        store.closeIdle()
        expect(await entryAt()).toMatchObject({ text: 'me', ...reign })
        expect(await store.renew(lease, call, [path])).toBe(lease.ttlMs)
        const recorder = watchFrom(reign.token + 1)
        await store.release(path, reign, null, call)
        await recorder.firstOf(null)
        await win(path, 'again', await lasting())
        await recorder.firstOf('again')
        expect(recorder.texts).toEqual([null, 'again'])
        expect(closed.texts).toEqual(['me'])
      })

      test('a store that was never used can rest', () => {
        store.closeIdle()
      })
    })
  })
}

function written(text: string, reign: Reign, revision: number): Sighting {
  return { entry: { text, ...reign, revision }, revision }
}

function tokenOf(claim: Claim): number {
  if (!claim.won) throw new Error(`lost to ${JSON.stringify(claim.entry)}`)
  return claim.token
}

function one<T>(values: readonly T[]): T {
  const [value, ...more] = values
  if (value === undefined || more.length > 0) throw new Error(`${values.length}, and not one`)
  return value
}

function fulfilled<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

function rejection(outcome: PromiseSettledResult<unknown>): unknown {
  return outcome.status === 'rejected' ? outcome.reason : 'not rejected'
}

function expectToGrow(revisions: readonly number[]): void {
  const sorted = [...new Set(revisions)].sort((a, b) => a - b)
  expect(revisions).toEqual(sorted)
}
