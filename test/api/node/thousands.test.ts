import { expect, test } from 'vitest'
import type { Store } from '../../../src/index.js'
import { UnreachableError } from '../../../src/index.js'
import { MemoryStore } from '../../../src/stores/memory.js'
import { VirtualClock } from '../../../src/testing/virtual-clock.js'
import { gate, lockerOn, turns, withOther } from './nodes.js'

const NODES = 5_000
/** So many of them claim at once. */
const AT_ONCE = 1_200

type Claims = Store['claim']

/** The same store, whose claims are made by `claim`. */
function withClaims(store: MemoryStore, claim: (make: Claims) => Claims): Store {
  return withOther(store, { claim: claim(store.claim.bind(store)) })
}

function nodesOn(store: Store, clock?: VirtualClock, ttl = 10) {
  const locker = lockerOn(store, clock)
  return Array.from({ length: NODES }, (_, index) =>
    locker({ path: `/thousands/${index}`, id: 'a', value: 1, ttl }),
  )
}

test('thousands of nodes that start at once claim by and by, and all are elected', async () => {
  let claiming = 0
  let most = 0
  const store = withClaims(new MemoryStore(), (make) => async (...claim) => {
    claiming += 1
    most = Math.max(most, claiming)
    await new Promise(setImmediate)
    claiming -= 1
    return await make(...claim)
  })
  const nodes = nodesOn(store)
  await Promise.all(nodes.map((node) => node.start()))
  expect(nodes.every(({ isLeader }) => isLeader)).toBe(true)
  expect(most).toBe(AT_ONCE)
})

test('those that have waited for their turn claim under the session that is valid by then', async () => {
  const clock = new VirtualClock()
  const memory = new MemoryStore(clock)
  const first = gate()
  let made = 0
  const gone: string[] = []
  const store = withClaims(memory, (make) => async (...claim) => {
    made += 1
    const [path, , { id }] = claim
    if (made <= AT_ONCE) await first.opened
    else if (!memory.leases().some((lease) => lease.id === id)) gone.push(path)
    return await make(...claim)
  })
  const nodes = nodesOn(store, clock, 4)
  const started = Promise.all(nodes.map((node) => node.start()))
  await turns()
  expect(made).toBe(AT_ONCE)
  // Nothing is answered for so long that the session ends.
  for (const lease of memory.leases()) void memory.revoke(lease)
  await clock.advance(10_000)
  first.open()
  await clock.advance(10_000)
  await started
  expect(gone).toEqual([])
  expect(nodes.every(({ isLeader }) => isLeader)).toBe(true)
})

test('all try, and are told, once the store is out of reach: not only those whose turn it is', async () => {
  const over = gate()
  const claimed = new Set<string>()
  const store = withClaims(new MemoryStore(), () => async (path) => {
    claimed.add(path)
    // The others wait for an answer for as long as they may.
    if (claimed.size > 1) await over.opened
    throw new UnreachableError('claiming: no answer')
  })
  const nodes = nodesOn(store)
  const told = nodes.map((node) => new Promise((resolve) => node.once('unreachable', resolve)))
  for (const node of nodes) node.start()
  await turns()
  expect(claimed.size).toBe(NODES)
  over.open()
  await Promise.all(told)
})

test('one that is stopped while it waits for its turn has stopped at once', async () => {
  const answered = gate()
  const claimed: string[] = []
  const store = withClaims(new MemoryStore(), (make) => async (...claim) => {
    claimed.push(claim[0])
    await answered.opened
    return await make(...claim)
  })
  const nodes = nodesOn(store)
  for (const node of nodes) node.start()
  await turns()
  const waiting = nodes.slice(AT_ONCE)
  await Promise.all(waiting.map((node) => node.stop()))
  expect(claimed).toHaveLength(AT_ONCE)
  answered.open()
})
