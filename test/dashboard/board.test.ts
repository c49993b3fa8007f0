import { expect, test } from 'vitest'
import { Board } from '../../src/dashboard/board.js'
import type { NodeNow, SourceNow, Update } from '../../src/dashboard/protocol.js'
import { everythingOf } from './everything.js'

const source: SourceNow = {
  id: 'etcd',
  kind: 'etcd',
  name: 'etcd',
  isConnected: true,
  sinceMs: 0,
  problem: null,
}
const holder = { id: 'a', value: 10, token: 7, instance: 'instance of a' }

function leader(atMs: number, validUntilMs: number | null): NodeNow {
  return {
    key: 'x:1',
    source: 'process 1',
    path: '/path',
    id: 'a',
    instance: 'instance of a',
    value: 10,
    state: 'leader.holding',
    sinceMs: atMs,
    step: null,
    latest: null,
    token: 7,
    validUntilMs,
    actions: [],
  }
}

function statesOf(board: Board, lane: string) {
  return everythingOf(board)
    .lanes.filter((change) => change.lane === lane)
    .map(({ atMs, state, token }) => [atMs, state, ...(token === undefined ? [] : [token])])
}

test('a path’s lane shows its reigns and its vacancies, and not each of its values', () => {
  const board = new Board()
  board.setSource(source)
  board.setPath('etcd', '/path', holder, 100)
  board.setPath('etcd', '/path', { ...holder, value: 11 }, 200)
  board.setPath('etcd', '/path', null, 300)
  board.setPath('etcd', '/path', { ...holder, id: 'b', value: 12, token: 9 }, 350)
  expect(statesOf(board, 'path:/path')).toEqual([
    [100, 'held', 7],
    [300, 'vacant'],
    [350, 'held', 9],
  ])
  expect(everythingOf(board).paths).toMatchObject([{ holder: { value: 12 }, sinceMs: 350 }])
  board.close()
})

test('nothing is known of a path while its source is not connected', () => {
  const board = new Board()
  board.setSource(source)
  board.setPath('etcd', '/path', holder, 100)
  board.setSource({ ...source, isConnected: false, sinceMs: 200, problem: 'gone' })
  board.setSource({ ...source, sinceMs: 300 })
  expect(statesOf(board, 'path:/path')).toEqual([
    [100, 'held', 7],
    [200, 'unknown'],
    [300, 'held', 7],
  ])
  board.close()
})

test('a leader that was not heard of again led until its validity ended, and no longer', () => {
  const board = new Board()
  board.setNode(leader(100, 1_000), 100)
  board.setNode({ ...leader(5_000, null), state: 'campaigning.claiming', token: null }, 5_000)
  expect(statesOf(board, 'x:1')).toEqual([
    [100, 'leader', 7],
    [1_000, 'unknown'],
    [5_000, 'campaigning'],
  ])
  board.close()
})

test('changes are told together, each once', async () => {
  const board = new Board()
  const updates: Update[] = []
  const told = new Promise<void>((resolve) => {
    board.subscribe((update) => {
      updates.push(update)
      resolve()
    })
  })
  board.setSource(source)
  for (let value = 0; value < 100; value += 1) {
    board.setPath('etcd', '/path', { ...holder, value }, value)
  }
  await told
  expect(updates).toMatchObject([{ sources: [source], paths: [{ holder: { value: 99 } }] }])
  board.close()
})

test('what happens is kept, however many renewals there are', () => {
  const board = new Board()
  const entry = { atMs: 1, path: '/path', node: 'a', details: '' }
  for (let round = 0; round < 200; round += 1) {
    board.log({ ...entry, kind: 'select' })
    for (let one = 0; one < 100; one += 1) board.log({ ...entry, kind: 'renewed' })
  }
  const kinds = board.events.map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'select')).toHaveLength(200)
  expect(kinds.length).toBeGreaterThan(4_000)
  for (let one = 0; one < 6_000; one += 1) board.log({ ...entry, kind: 'value' })
  expect(board.events.length).toBeLessThanOrEqual(5_000)
  expect(board.events.every(({ kind }) => kind === 'value')).toBe(true)
  board.close()
})
