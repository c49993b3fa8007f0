import { once } from 'node:events'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LockedNode, type Locker, locked } from '../../src/index.js'
import { type Etcd, startEtcd } from '../etcd/index.js'

/** More than are watched one by one. */
const IN_GROUP = 12

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd()
})

afterAll(() => etcd?.stop())

const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom('/', '//', '\0', '\ufeff', '\ufffd', ' ', '%2F', '..', '\n', '\u{10ffff}', '😀'),
)
/** Also such as stand below where candidates do. */
const path = fc.oneof(
  text,
  fc.tuple(text, text).map((parts) => parts.join('/')),
  fc.tuple(text, text).map((parts) => parts.join('/.candidates/')),
)

test('whatever string etcd takes as a key is a path, alone', async () => {
  await fc.assert(
    fc.asyncProperty(path, async (one) => {
      await elect([one])
    }),
    { numRuns: 40 },
  )
})

test('and in a group of paths that begin alike', async () => {
  const group = fc.oneof(path, fc.constant('')).map((beginning) =>
    // At the end stands what makes them differ, in one that is a prefix of others as well.
    Array.from({ length: IN_GROUP }, (_, index) => `${beginning}/${'x'.repeat(index)}`),
  )
  await fc.assert(
    fc.asyncProperty(group, async (paths) => {
      await elect(paths)
    }),
    { numRuns: 15 },
  )
})

test('a path may have 100 kB, alone and in a group', async () => {
  const long = `/${'x'.repeat(100_000)}`
  await elect([long])
  await elect(Array.from({ length: IN_GROUP }, (_, index) => `${long}/${index}`))
})

/** One leads, another follows and is told what the first proposes, and leads when it stops. */
async function elect(paths: readonly string[]): Promise<void> {
  await using ours = locked(etcd.endpoint)
  await using theirs = locked(etcd.endpoint)
  const all = (locker: Locker, value: string) => paths.map((one) => locker(one, { value, ttl: 60 }))
  const [leaders, followers] = [all(ours, 'ours'), all(theirs, 'theirs')]
  await Promise.all(leaders.map((node) => node.start()))
  expect(leaders.every(({ isLeader }) => isLeader)).toBe(true)
  await Promise.all(followers.map((node) => node.start()))
  const changed = each(followers, 'change')
  await Promise.all(leaders.map((node) => node.propose('proposed')))
  expect((await changed).every(([value]) => value === 'proposed')).toBe(true)
  const selected = each(followers, 'select')
  await ours.close()
  await selected
}

function each(nodes: readonly LockedNode[], event: 'change' | 'select'): Promise<unknown[][]> {
  return Promise.all(nodes.map((node) => once(node, event)))
}
