import { expect, onTestFinished, test } from 'vitest'
import { Board } from '../../src/dashboard/board.js'
import { lanesOf, seamsOf, spansOf, summaryOf } from '../../src/dashboard/page/lanes.js'
import { Model } from '../../src/dashboard/page/model.js'
import { PathSource } from '../../src/dashboard/path-source.js'
import { MemoryStore } from '../../src/stores/memory.js'
import { lockerOn, path } from '../api/node/nodes.js'
import { everythingOf } from './everything.js'

/** What the time view shows of the path, from what an observer has told the dashboard. */
function timeViewOf(board: Board) {
  const model = new Model()
  const nowMs = Date.now() + 1_000
  model.take({ type: 'hello', title: '', mayHandOver: false, nowMs, ...everythingOf(board) })
  const [lane] = lanesOf(model)
  if (lane === undefined) throw new Error('there is no lane')
  return spansOf(model, lane, 0, nowMs, nowMs)
}

test('a hand-over is a seam: one reign ends where the next begins, with no vacancy between them', async () => {
  const store = new MemoryStore()
  const board = new Board()
  onTestFinished(() => board.close())
  const source = new PathSource(board, { id: 'memory', kind: 'etcd', name: 'memory' })
  source.connected()
  const nodes = []
  for (const id of ['a', 'b']) {
    const node = lockerOn(store)({ path, id, value: id })
    await node.start()
    nodes.push(node)
  }
  const [a, b] = nodes
  if (a === undefined || b === undefined) throw new Error('unreachable')
  const observing = store.observe('', {
    seen: (seenPath, sighting) => source.seen(seenPath, sighting),
    known: () => undefined,
    retrying: () => undefined,
    recovered: () => undefined,
    refused: () => undefined,
  })
  onTestFinished(() => observing.close())
  const token = Number(a.token)
  // A lane’s spans are as long as they lasted: one of no length is not shown.
  const before = Date.now()
  while (Date.now() === before) await new Promise((resolve) => setImmediate(resolve))
  await a.transfer('b')

  const spans = timeViewOf(board)
  expect(spans).toMatchObject([
    { state: 'held', id: 'a', token },
    { state: 'held', id: 'b', token: Number(b.token) },
  ])
  expect(spans[1]?.fromMs).toBe(spans[0]?.toMs)
  expect(seamsOf(spans)).toEqual([spans[1]?.fromMs])
  expect(summaryOf(spans)).toEqual({ changes: 1, vacantMs: 0 })
  expect(everythingOf(board).log.map(({ kind }) => kind)).toEqual(['held', 'held'])
  await Promise.all([b.stop(), a.stop()])
})
