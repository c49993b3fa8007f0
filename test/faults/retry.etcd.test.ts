import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import locked from '../../src/index.js'
import { etcdjs } from '../etcd/etcdjs.js'
import { client } from './hand.js'
import { now } from './now.js'
import { test as sceneTest } from './scene.js'

const MOST_PER_SECOND = 10

/** Calls `count` for each request, or each connection that one could be on. */
type Down = (count: () => void) => Server | Http2Server

const kinds: Readonly<Record<string, Down>> = {
  'resets connections': (count) => {
    let connections = 0
    return createServer((socket) => {
      // grpc-js 1.14 opens every connection that failed once more after it was closed, and sends no
      // request on that one (Subchannel.handleBackoffTimer).
      connections += 1
      if (connections % 2 === 1 || client === 'etcdjs') count()
      socket.on('error', () => {})
      socket.resetAndDestroy()
    })
  },
  'accepts connections and is silent': (count) =>
    createServer((socket) => {
      count()
      socket.on('error', () => {}).resume()
    }),
  'answers that it is not available': (count) => {
    if (client === 'etcdjs') {
      return createHttpServer((_request, response) => {
        count()
        response.writeHead(503).end()
      })
    }
    const server = createHttp2Server()
    server.on('sessionError', () => {})
    server.on('stream', (stream) => {
      count()
      stream.on('error', () => {})
      const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }
      stream.respond(headers, { endStream: true })
    })
    return server
  },
}

describe('the nodes of one process, while the cluster', () => {
  for (const [kind, down] of Object.entries(kinds)) {
    test(`${kind}, send it at most ${MOST_PER_SECOND} requests a second`, async () => {
      const times: number[] = []
      const hosts = await Promise.all([1, 2, 3].map(() => listen(down(() => times.push(now())))))
      const locker = locked(client === 'etcdjs' ? etcdjs(hosts) : hosts)
      const nodes = Array.from({ length: 20 }, (_, index) =>
        locker(`/retry/${index}`, { id: 'a', value: index, ttl: 2 }),
      )
      for (const node of nodes) void node.start().catch(() => {})
      await sleep(8_000)
      await locker.close()
      expect(times.length).toBeGreaterThan(0)
      expect(mostPerSecond(times)).toBeLessThanOrEqual(MOST_PER_SECOND)
    })
  }
})

describe('a leader and a follower whose cluster goes silent', () => {
  sceneTest(`open at most ${MOST_PER_SECOND} connections a second each`, async ({ scene }) => {
    await scene.startEtcd()
    const competitors = await scene.lead('a', 'b')
    for (const competitor of competitors) competitor.freeze()
    const perSecond: number[] = []
    for (let second = 0; second < 6; second += 1) {
      const from = now()
      const before = competitors.map(({ relays }) => relays[0]?.opened ?? 0)
      await sleep(1_000)
      // What was opened while nobody was let to run is counted later.
      const seconds = (now() - from + scene.starvedMs(from, now())) / 1_000
      competitors.forEach(({ relays }, index) => {
        perSecond.push(((relays[0]?.opened ?? 0) - (before[index] ?? 0)) / seconds)
      })
    }
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(MOST_PER_SECOND)
    const healedAt = now()
    for (const competitor of competitors) await competitor.heal()
    await scene.elected({ after: healedAt })
  })
})

async function listen(server: Server | Http2Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `127.0.0.1:${port}`
}

function mostPerSecond(times: readonly number[]): number {
  const inSecondFrom = (from: number) =>
    times.filter((at) => at >= from && at < from + 1_000).length
  return Math.max(...times.map(inSecondFrom))
}
