import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Json } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { freePort } from '../etcd/ports.js'
import { timeNet } from '../load/starvation.js'
import { patiently } from '../patience.js'
import { Competitor } from './competitor.js'

/** In seconds; of leaders that are killed. */
const ttl = 3
/** In seconds; of leaders that stay, however long processes have to wait for a processor. */
const LONG_TTL = 30
const rounds = 5
const values: Record<string, Json> = { a: 10, b: { of: 'b' }, c: 'the value of c' }

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

describe('three processes', () => {
  test('elect one, and all of them learn its value', async () => {
    const path = randomUUID()
    const all = await spawnAll(path, LONG_TTL)
    await Promise.all(all.map((one) => one.call('start')))
    const changes = await Promise.all(all.map((one) => one.until('change')))
    const [winner, ...others] = await leadersFirst(all)
    if (winner === undefined) throw new Error('there are three')
    const selected = await winner.until('select')

    const id = await winner.call('id')
    expect(Object.keys(values)).toContain(id)
    expect(selected.args).toEqual([values[String(id)]])
    for (const { args } of changes) expect(args).toEqual([values[String(id)], id])
    for (const one of all) {
      expect(await one.call('id')).toBe(id)
      expect(await one.call('value')).toEqual(values[String(id)])
    }
    expect(await winner.call('look')).toEqual({ state: 'leader', isLeader: true })
    for (const one of others) {
      expect(await one.call('look')).toEqual({ state: 'follower', isLeader: false })
    }
    await Promise.all(others.map((one) => one.call('stop')))
    await winner.call('stop')
    // Everything that was told has arrived by now: answers come after events.
    expect(selectsOf(all)).toBe(1)
    expect(all.map((one) => one.count('change'))).toEqual([1, 1, 1])
    expect(all.map((one) => one.complaints)).toEqual(['', '', ''])
  })

  test('have another leader at once when theirs stops', async () => {
    const path = randomUUID()
    const all = await spawnAll(path, LONG_TTL)
    await Promise.all(all.map((one) => one.call('start')))
    const tookMs: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const [leader, ...others] = await leadersFirst(all)
      if (leader === undefined) throw new Error('there are three')
      const marks = others.map((one) => one.told.length)
      let stopped: unknown
      const stopping = async () => {
        stopped = leader.call('stop')
        await anySelected(others, marks)
      }
      tookMs.push(await timeNet(stopping))
      await stopped
      await allTold(others, marks, path)
      expect(selectsOf(all)).toBe(1 + round)
      await leader.call('start')
    }
    report('stop() of the leader to the next select', tookMs)
    expect(Math.max(...tookMs)).toBeLessThan(1_000)
    await Promise.all(all.map((one) => one.call('stop')))
    expect(all.map((one) => one.complaints)).toEqual(['', '', ''])
    expect(all.map((one) => one.count('error'))).toEqual([0, 0, 0])
  })

  test('have another leader within ttl + 1 s when theirs is killed', async () => {
    const path = randomUUID()
    let all = await spawnAll(path, ttl)
    await Promise.all(all.map((one) => one.call('start')))
    const grantedMs = await grantedTtlMs(path)
    expect(grantedMs).toBeGreaterThanOrEqual(ttl * 1_000)
    const tookMs: number[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const [leader, ...others] = await leadersFirst(all)
      if (leader === undefined) throw new Error('there are three')
      const id = String(await leader.call('id'))
      const marks = others.map((one) => one.told.length)
      let killed: unknown
      const killing = async () => {
        killed = leader.kill()
        await anySelected(others, marks)
      }
      tookMs.push(await timeNet(killing))
      await killed
      await allTold(others, marks, path)
      const selects = others.flatMap((one, i) =>
        one.told.slice(marks[i]).filter(({ event }) => event === 'select'),
      )
      expect(selects).toHaveLength(1)
      expect(others.map((one) => one.complaints)).toEqual(['', ''])
      const value = values[id] ?? null
      const next = await Competitor.spawn(etcd.endpoint, { path, id, value, ttl })
      await next.call('start')
      all = [...others, next]
    }
    report('kill -9 of the leader to the next select', tookMs)
    expect(Math.max(...tookMs)).toBeLessThan(grantedMs + 1_000)
    await Promise.all(all.map((one) => one.call('stop')))
    expect(all.map((one) => one.complaints)).toEqual(['', '', ''])
    expect(all.map((one) => one.count('error'))).toEqual([0, 0, 0])
  })
})

test('two processes with the same node id have one leader, ever', async () => {
  const path = randomUUID()
  const spawn = (value: Json) =>
    Competitor.spawn(etcd.endpoint, { path, id: 'same', value, ttl: LONG_TTL })
  const reigns: { from: number; to: number }[] = []
  let both = await Promise.all([spawn('first'), spawn('second')])
  await Promise.all(both.map((one) => one.call('start')))
  for (let round = 1; round <= rounds; round += 1) {
    const [leader, other] = await leadersFirst(both)
    if (leader === undefined || other === undefined) throw new Error('there are two')
    expect(await other.call('look')).toEqual({ state: 'follower', isLeader: false })
    const mark = other.told.length
    const from = (await leader.until('select', leader.told.findLastIndex(isSelect))).atMs
    if (round % 2 === 1) {
      await leader.call('stop')
      reigns.push({ from, to: (await leader.until('deselect', lastSelect(leader))).atMs })
      await other.until('select', mark)
      await leader.call('start')
    } else {
      reigns.push({ from, to: Date.now() })
      await leader.kill()
      await expireLeaseAt(path)
      await other.until('select', mark)
      const next = await spawn(`round ${round}`)
      await next.call('start')
      both = [other, next]
    }
  }
  const [leader, other] = await leadersFirst(both)
  expect(await leader?.call('look')).toEqual({ state: 'leader', isLeader: true })
  expect(await other?.call('look')).toEqual({ state: 'follower', isLeader: false })
  reigns.push({
    from: (await leader?.until('select', lastSelect(leader)))?.atMs ?? 0,
    to: Date.now(),
  })
  for (const [i, { from }] of reigns.entries()) {
    expect(from).toBeGreaterThanOrEqual(reigns[i - 1]?.to ?? 0)
  }
  expect(reigns).toHaveLength(rounds + 1)
})

describe('a process ends by itself, although nobody closed its locker,', () => {
  test.each(['etcd', 'memory:'])('once its node was stopped (%s)', async (store) => {
    const one = await spawnOne(store)
    await one.call('start')
    expect(await one.call('look')).toEqual({ state: 'leader', isLeader: true })
    await expectToEnd(one)
  })

  test.each(['etcd', 'memory:'])('if its node was never started (%s)', async (store) => {
    await expectToEnd(await spawnOne(store))
  })

  test.each(['etcd', 'memory:'])('if it only asked (%s)', async (store) => {
    const one = await spawnOne(store)
    // On a machine that is busy, etcd may not answer in time.
    expect(await patiently(() => one.call('id'))).toBe(null)
    expect(await patiently(() => one.call('value'))).toBe(null)
    await expectToEnd(one)
  })

  test('once a follower was stopped', async () => {
    const path = randomUUID()
    const [leader, follower] = await Promise.all(
      ['a', 'b'].map((id) => Competitor.spawn(etcd.endpoint, { path, id, value: id, ttl: 10 })),
    )
    if (leader === undefined || follower === undefined) throw new Error('there are two')
    await leader.call('start')
    await follower.call('start')
    await expectToEnd(follower)
    await expectToEnd(leader)
  })

  test('once its node was stopped that had reached nobody', async () => {
    const path = randomUUID()
    const hosts = `127.0.0.1:${await freePort()}`
    const one = await Competitor.spawn(hosts, { path, value: 1, ttl: 10 })
    const start = one.call('start')
    start.catch(() => {})
    await one.until('unreachable')
    await expectToEnd(one)
    await expect(start).rejects.toThrow(/StoppedError/)
  })

  test('once its node was stopped, started and stopped', async () => {
    const one = await spawnOne('etcd')
    for (let times = 1; times <= 2; times += 1) {
      await one.call('start')
      await one.call('stop')
    }
    await one.call('start')
    await expectToEnd(one)
  })
})

function spawnAll(path: string, ttl: number): Promise<readonly Competitor[]> {
  return Promise.all(
    Object.entries(values).map(([id, value]) =>
      Competitor.spawn(etcd.endpoint, { path, id, value, ttl }),
    ),
  )
}

function spawnOne(store: string): Promise<Competitor> {
  const hosts = store === 'etcd' ? etcd.endpoint : store
  return Competitor.spawn(hosts, { path: randomUUID(), value: 10, ttl: 10 })
}

async function expectToEnd(one: Competitor): Promise<void> {
  await one.call('leave')
  const tookMs = await timeNet(async () => expect(await one.exited()).toBe(0))
  report('stop() to the end of the process', [tookMs])
  expect(tookMs).toBeLessThan(1_000)
  expect(one.complaints).toBe('')
}

/** Sorted so that those who say that they lead come first; exactly one does. */
async function leadersFirst(all: readonly Competitor[]): Promise<readonly Competitor[]> {
  const looks = await Promise.all(all.map((one) => one.call('look')))
  const leads = looks.map((look) => JSON.stringify(look).includes('"isLeader":true'))
  expect(leads.filter(Boolean)).toHaveLength(1)
  return [...all.filter((_, i) => leads[i]), ...all.filter((_, i) => !leads[i])]
}

/** What comes to pass when its ttl is over. */
async function expireLeaseAt(path: string): Promise<void> {
  const { kvs } = await client.get(path).exec()
  await client.leaseClient.leaseRevoke({ ID: kvs[0]?.lease ?? '' })
}

function anySelected(all: readonly Competitor[], marks: readonly number[]): Promise<unknown> {
  return Promise.any(all.map((one, i) => one.until('select', marks[i])))
}

/** Waits until all have seen the new holder, and checks that they saw the same as stands there. */
async function allTold(all: readonly Competitor[], marks: readonly number[], path: string) {
  const changes = await Promise.all(all.map((one, i) => one.until('change', marks[i])))
  const { id, value } = JSON.parse(`${await client.get(path).string()}`)
  for (const { args } of changes) expect(args).toEqual([value, id])
}

async function grantedTtlMs(path: string): Promise<number> {
  const { kvs } = await client.get(path).exec()
  const lease = await client.leaseClient.leaseTimeToLive({ ID: kvs[0]?.lease ?? '0', keys: false })
  return Number(lease.grantedTTL) * 1_000
}

function selectsOf(all: readonly Competitor[]): number {
  return all.reduce((sum, one) => sum + one.count('select'), 0)
}

function isSelect({ event }: { readonly event: string }): boolean {
  return event === 'select'
}

function lastSelect(one: Competitor): number {
  return one.told.findLastIndex(isSelect)
}

function report(what: string, figuresMs: readonly number[]): void {
  console.log(`${what}: ${figuresMs.map((ms) => `${Math.round(ms)} ms`).join(', ')}`)
}
