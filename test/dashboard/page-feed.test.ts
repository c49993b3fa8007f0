import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { Board } from '../../src/dashboard/board.js'
import { ALL_BUT_RENEWED, isSought, NO_FILTER } from '../../src/dashboard/log-filter.js'
import { Model } from '../../src/dashboard/page/model.js'
import { PageFeed } from '../../src/dashboard/page-feed.js'
import { type LogFilter, laneOf, type ServerMessage } from '../../src/dashboard/protocol.js'

const about = { title: 'a dashboard', mayHandOver: false }
const paths = ['/a', '/b', '/c']
const instances = ['one', 'two']

const path = fc.constantFrom(...paths)
const instance = fc.constantFrom(...instances)
const happening = fc.oneof(
  fc.record({ what: fc.constant('enters' as const), path, instance }),
  fc.record({ what: fc.constant('leaves' as const), path, instance }),
  fc.record({ what: fc.constant('holds' as const), path, instance }),
  fc.record({ what: fc.constant('vacates' as const), path }),
  // The page has taken what was on its way to it, or the server turns to something else.
  fc.record({ what: fc.constantFrom('taken' as const, 'told' as const) }),
)

test('a page comes to know what the board does, whatever happens while a message is on its way', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), fc.boolean(), (all, isLate) => {
      const board = new Board()
      board.setSource({
        id: 'etcd',
        kind: 'etcd',
        name: 'etcd',
        isConnected: true,
        sinceMs: 0,
        problem: null,
      })
      // So many that the page is told of the others in a later message.
      const before = isLate ? Array.from({ length: 600 }, (_, index) => `/${index}`) : []
      for (const one of before) board.setPath('etcd', one, null, 0)
      for (const one of isLate ? paths : []) board.setPath('etcd', one, null, 0)
      const { page, feed, take, takeAll } = pageOf(board)
      let revision = 0
      for (const one of all) {
        revision += 1
        if (one.what === 'taken') take()
        else if (one.what === 'told') vi.advanceTimersByTime(1_000)
        else if (one.what === 'enters') {
          const { path: at, instance: id } = one
          board.candidateEntered('etcd', at, { instance: id, id, since: revision })
        } else if (one.what === 'leaves') board.candidateLeft(one.path, one.instance)
        else if (one.what === 'vacates') board.setPath('etcd', one.path, null, revision)
        else if (one.what === 'holds') {
          const { instance: id } = one
          board.setPath('etcd', one.path, { instance: id, id, value: 1, token: revision }, revision)
        }
      }
      takeAll()
      feed.close()
      const fresh = pageOf(board)
      fresh.takeAll()
      fresh.feed.close()
      expect([...page.waiting].sort()).toEqual([...fresh.page.waiting].sort())
      expect([...page.paths].sort()).toEqual([...fresh.page.paths].sort())
      expect([...page.order]).toEqual([...fresh.page.order])
      for (const one of paths) {
        expect(page.lanes.get(laneOf(one))).toEqual(fresh.page.lanes.get(laneOf(one)))
      }
    }),
    { numRuns: 500 },
  )
})

/** A page of a board, which takes a message when it is told to. */
function pageOf(board: Board) {
  const page = new Model()
  const messages: ServerMessage[] = []
  const socket = { send: (text: string) => messages.push(JSON.parse(text)) }
  const feed = new PageFeed(socket as unknown as WebSocket, board, about)
  const take = () => {
    for (const message of messages.splice(0)) {
      page.take(message)
      feed.taken()
    }
  }
  const takeAll = () => {
    for (let round = 0; round < 20; round += 1) {
      vi.advanceTimersByTime(1_000)
      take()
    }
  }
  return { page, feed, take, takeAll }
}

function eventOf(path: string, kind: string) {
  return { atMs: 1, kind, path, node: null, details: '' }
}

describe('events', () => {
  test('of a path that is looked for all come, however many others there are', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const board = new Board()
    const { page, feed, take, takeAll } = pageOf(board)
    board.log(eventOf('/sought', 'before'))
    take()
    feed.lookFor({ ...NO_FILTER, path: '/sought' })
    for (let round = 0; round < 50; round += 1) {
      for (let one = 0; one < 2_000; one += 1) board.log(eventOf('/other', 'held'))
      board.log(eventOf('/sought', `${round}`))
      vi.advanceTimersByTime(200)
      take()
    }
    takeAll()
    expect(page.log.map(({ kind }) => kind)).toEqual([
      'before',
      ...Array.from({ length: 50 }, (_, round) => `${round}`),
    ])
    expect(page.passedOver).toBe(0)
    feed.lookFor(NO_FILTER)
    takeAll()
    expect(page.log).toEqual(board.events)
  })

  test('come once and in their order, and those that did not come are counted', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const filter: fc.Arbitrary<LogFilter> = fc.record({
      node: fc.constantFrom('', 'store'),
      path,
      kind: fc.constantFrom('', 'held', ALL_BUT_RENEWED),
    })
    const event = fc.record({ path, kind: fc.constantFrom('held', 'vacant', 'renewed') })
    const happening = fc.oneof(
      fc.record({
        what: fc.constant('happens' as const),
        event,
        times: fc.constantFrom(1, 3, 1_500),
      }),
      fc.record({
        what: fc.constant('looks for' as const),
        filter: fc.option(filter, { nil: NO_FILTER }),
      }),
      fc.record({ what: fc.constantFrom('taken' as const, 'told' as const) }),
    )
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 25 }), (all) => {
        const board = new Board()
        let known = NO_FILTER
        board.log(eventOf('/a', 'held'))
        const { page, feed, take, takeAll } = pageOf(board)
        for (const one of all) {
          if (one.what === 'taken') take()
          else if (one.what === 'told') vi.advanceTimersByTime(1_000)
          else if (one.what === 'looks for') {
            feed.lookFor(one.filter)
            known = one.filter
          } else if (one.what === 'happens') {
            const { path: at, kind } = one.event
            for (let time = 0; time < one.times; time += 1) board.log(eventOf(at, kind))
          }
        }
        takeAll()
        feed.close()
        board.close()
        const numbers = page.log.map(({ seq }) => seq)
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
        for (const entry of page.log) expect(isSought(entry, known)).toBe(true)
        const from = board.events[0]?.seq ?? 0
        const sought = board.events.filter((entry) => isSought(entry, known))
        // Of renewals the page may have been told more than is kept.
        const kept = new Set(board.events.map(({ seq }) => seq))
        const told = page.log.filter(({ seq }) => seq >= from && kept.has(seq))
        expect(told.length + page.passedOver).toBeGreaterThanOrEqual(sought.length)
        if (page.passedOver === 0) expect(told).toEqual(sought)
      }),
      { numRuns: 200 },
    )
  })
})
