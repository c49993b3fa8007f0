import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { Board } from '../../src/dashboard/board.js'
import { Model } from '../../src/dashboard/page/model.js'
import { PageFeed } from '../../src/dashboard/page-feed.js'
import type { ServerMessage } from '../../src/dashboard/protocol.js'

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
    fc.property(fc.array(happening, { maxLength: 40 }), (all) => {
      const board = new Board()
      board.setSource({
        id: 'etcd',
        kind: 'etcd',
        name: 'etcd',
        isConnected: true,
        sinceMs: 0,
        problem: null,
      })
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
      for (let round = 0; round < 10; round += 1) {
        vi.advanceTimersByTime(1_000)
        take()
      }
      feed.close()
      const fresh = new Model()
      const anew: ServerMessage[] = []
      const other = { send: (text: string) => anew.push(JSON.parse(text)) }
      new PageFeed(other as unknown as WebSocket, board, about).close()
      for (const message of anew) fresh.take(message)
      expect([...page.waiting].sort()).toEqual([...fresh.waiting].sort())
      expect([...page.paths].sort()).toEqual([...fresh.paths].sort())
      expect([...page.order]).toEqual([...fresh.order])
    }),
    { numRuns: 500 },
  )
})
