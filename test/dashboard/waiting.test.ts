import { expect, onTestFinished, test } from 'vitest'
import { Board } from '../../src/dashboard/board.js'
import { competitionFor, inspectedByPath } from '../../src/dashboard/page/competing.js'
import { Model } from '../../src/dashboard/page/model.js'
import { PathSource } from '../../src/dashboard/path-source.js'
import type { NodeNow } from '../../src/dashboard/protocol.js'
import { encodeRecord } from '../../src/record.js'
import { candidateAt, reignAt, transferAskedAt } from '../../src/stores/candidates.js'
import { everythingOf } from './everything.js'

const PATH = '/path'
/** More than a page is told of. */
const MANY = 10_000

/** A board, what the store tells it, and what the page makes of it. */
function made() {
  const board = new Board()
  onTestFinished(() => board.close())
  const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name: 'etcd' })
  source.connected()
  return {
    board,
    source,
    hold: (id: string, revision: number) =>
      source.seen(PATH, sighting(record(id), revision, revision)),
    enter: (id: string, since: number, revision = since) =>
      source.beside(candidateAt(PATH, `of ${id}`), sighting(record(id), since, revision)),
    leave: (id: string, revision: number) =>
      source.beside(candidateAt(PATH, `of ${id}`), { entry: null, revision }),
    competition: () => competitionIn(board),
    ids: () => competitionIn(board)?.first.map(({ id }) => id) ?? null,
  }
}

function competitionIn(board: Board) {
  const model = new Model()
  const told = { type: 'hello', title: '', mayHandOver: true, nowMs: 0 } as const
  model.take({ ...told, ...everythingOf(board) })
  return competitionFor(PATH, model, inspectedByPath(model))
}

function record(id: string): string {
  return encodeRecord({ id, value: 1, instance: `of ${id}` })
}

function sighting(text: string, token: number, revision: number, lease: string | null = '1') {
  return { entry: { text, token, revision, lease }, revision }
}

function inspected(id: string, state: string): NodeNow {
  const known = { sinceMs: 0, step: null, latest: null, token: null, validUntilMs: null }
  const key = `key of ${id}`
  return {
    ...known,
    key,
    source: 'p',
    path: PATH,
    id,
    instance: `of ${id}`,
    value: 1,
    state,
    actions: [],
  }
}

test('candidates stand in the order in which they entered, after the holder, whatever is heard first', () => {
  const { hold, enter, leave, competition, ids } = made()
  enter('c', 7)
  enter('b', 5)
  hold('a', 3)
  expect(competition()).toMatchObject({
    first: [
      { id: 'a', state: 'holder', since: 3 },
      { id: 'b', state: 'candidate', since: 5 },
      { id: 'c', state: 'candidate', since: 7 },
    ],
    more: 0,
  })
  // Another value is no other place.
  enter('b', 5, 8)
  expect(ids()).toEqual(['a', 'b', 'c'])
  leave('b', 9)
  expect(ids()).toEqual(['a', 'c'])
})

test('one that was installed is the holder, and not a candidate as well', () => {
  const { board, hold, enter, ids } = made()
  hold('a', 3)
  enter('b', 5)
  expect(board.isAwaited(PATH)).toBe(true)
  hold('b', 6)
  expect(ids()).toEqual(['b'])
  expect(board.isAwaited(PATH)).toBe(false)
})

test('the states of inspected nodes are shown at their places, and those of whom the store does not tell come last', () => {
  const { board, source, hold, enter, competition } = made()
  board.setSource({
    id: 'p',
    kind: 'process',
    name: 'p',
    isConnected: true,
    sinceMs: 0,
    problem: null,
  })
  for (const [id, state] of [
    ['z', 'campaigning.claiming'],
    ['b', 'follower.enqueued'],
    ['a', 'leader.holding'],
    ['x', 'stopped.released'],
  ] as const) {
    board.setNode(inspected(id, state), 0)
  }
  hold('a', 3)
  enter('c', 5)
  enter('b', 6)
  expect(competition()?.first.map(({ id, state }) => `${id} ${state}`)).toEqual([
    'a leader',
    'c candidate',
    'b follower',
    'z campaigning',
  ])
  source.disconnected('gone')
  expect(competition()?.first.map(({ id }) => id)).toEqual(['z', 'b', 'a'])
})

test('what is no candidate’s entry is none, whoever wrote it', () => {
  const { board, source, hold, ids } = made()
  hold('a', 3)
  source.beside(reignAt(PATH), sighting('x', 4, 4))
  source.beside(transferAskedAt(PATH), sighting('b', 5, 5))
  source.beside(candidateAt(PATH, ''), sighting(record('b'), 6, 6))
  source.beside(candidateAt(PATH, 'no lease'), sighting(record('b'), 7, 7, null))
  source.beside(candidateAt(candidateAt(PATH, 'x'), 'y'), sighting(record('b'), 8, 8))
  expect(ids()).toEqual(['a'])
  expect(everythingOf(board).waiting).toEqual([])
  // Those that have a lease and are not records are listed as `locked candidates` lists them.
  for (const junk of ['', 'junk', '[]', '{"id":7}', '['.repeat(100_000)]) {
    source.beside(candidateAt(PATH, `junk ${junk.slice(0, 9)}`), sighting(junk, 9, 9))
  }
  source.beside(candidateAt(PATH, 'long'), sighting(record('x'.repeat(1_000_000)), 10, 10))
  expect(ids()?.slice(0, 6)).toEqual(['a', null, null, null, null, null])
  expect(JSON.stringify(everythingOf(board)).length).toBeLessThan(10_000)
})

test(`of ${MANY} candidates a page is told the first, and how many there are`, async () => {
  const { board, hold, enter, leave, competition } = made()
  hold('a', 3)
  for (let at = MANY; at > 0; at -= 1) enter(`${at}`, 3 + at)
  const told: number[] = []
  const news = new Promise<void>((resolve) => {
    board.subscribe((update) => {
      told.push(...update.waiting.map(({ first, more }) => first.length + more))
      resolve()
    })
  })
  await news
  expect(told).toEqual([MANY])
  expect(
    competition()
      ?.first.slice(0, 3)
      .map(({ id }) => id),
  ).toEqual(['a', '1', '2'])
  expect(competition()?.more).toBe(MANY - 20)
  expect(JSON.stringify(everythingOf(board)).length).toBeLessThan(10_000)
  for (let at = 1; at < MANY; at += 1) leave(`${at}`, 3 + MANY + at)
  expect(competition()).toMatchObject({ first: [{ id: 'a' }, { id: `${MANY}` }], more: 0 })
  leave(`${MANY}`, 3 + 2 * MANY)
  expect(everythingOf(board).waiting).toEqual([])
})
