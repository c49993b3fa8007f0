import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DashboardSettings } from '../../src/dashboard/server.js'
import locked, { type LockedNode } from '../../src/index.js'
import { InspectionSender } from '../../src/inspection/sender.js'
import { patiently } from '../patience.js'
import { everythingOf } from './everything.js'
import { get, open, openDashboard } from './served.js'

describe('the page', () => {
  test('may load nothing from elsewhere, be framed by nobody, and is kept by no cache', async () => {
    const { port } = await openDashboard()
    const { status, headers, body } = await get(port, '/')
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    const links = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(2)
    for (const link of links) expect((await get(port, `/${link}`)).status).toBe(200)
    expect(links.filter((link) => /^\w+:|^\/\//.test(link))).toEqual([])
  })

  test.each([
    ['/nothing', 'GET', 404],
    ['/../package.json', 'GET', 404],
    ['/%2e%2e/server.js', 'GET', 404],
    ['/', 'POST', 405],
  ])('%s by %s is answered %d', async (path, method, status) => {
    const { port } = await openDashboard()
    expect((await get(port, path, {}, method)).status).toBe(status)
  })
})

/** Two nodes, on a store of their own, that send their inspection events to the dashboard. */
async function inspectNodes(port: number, paths = ['/one', '/two']): Promise<LockedNode[]> {
  const sender = new InspectionSender(new URL(`ws://127.0.0.1:${port}/inspect`))
  const locker = locked('memory:', { inspect: sender.inspect })
  const nodes = paths.map((path) => locker(path, { id: `node of ${path}`, value: 10 }))
  onTestFinished(() => locker.close())
  await Promise.all(nodes.map((node) => node.start()))
  return nodes
}

describe('a process that sends its inspection events', () => {
  test('is shown, step by step, and as gone when it has gone', async () => {
    const { board, port } = await openDashboard()
    const [node] = await inspectNodes(port)
    await patiently(() => {
      expect(everythingOf(board).nodes).toMatchObject([
        { path: '/one', id: 'node of /one', value: 10, state: 'leader.holding', token: 2 },
        { path: '/two', id: 'node of /two', state: 'leader.holding' },
      ])
    })
    await node?.stop()
    await patiently(() => {
      expect(everythingOf(board).nodes[0]?.state).toBe('stopped.released')
    })
    expect(everythingOf(board).log.map(({ kind }) => kind)).toContain('deselect')
    const [source] = everythingOf(board).sources
    expect(source).toMatchObject({ kind: 'process', isConnected: true })
  })

  test('tells anew what stands when the dashboard was started again', async () => {
    const first = await openDashboard()
    await inspectNodes(first.port)
    await patiently(() => expect(everythingOf(first.board).nodes).toHaveLength(2))
    await first.dashboard.close()
    const again = await openDashboard({ port: first.port })
    await patiently(() => {
      const states = everythingOf(again.board).nodes.map(({ state }) => state)
      expect(states).toEqual(['leader.holding', 'leader.holding'])
    })
  })

  test('cannot upset the dashboard with what is none of its business', async () => {
    const { board, port } = await openDashboard()
    const { socket, answer } = open(port, '/inspect')
    await answer
    for (const junk of [
      'no JSON',
      '[]',
      'null',
      '{"type":"@xstate.snapshot"}',
      '{"type":"@xstate.snapshot","sessionId":"x","createdAt":"1","snapshot":{"context":{},"value":{}}}',
      '{"type":"@xstate.event","sessionId":7,"event":null,"createdAt":{}}',
      '{"type":"locked.offer","sessionId":"x","actions":"all"}',
      // What cannot be made a number, or text.
      '{"type":"@xstate.event","sessionId":"x","event":{"type":"e"},"createdAt":{"valueOf":1,"toString":1}}',
      '{"type":"@xstate.event","sessionId":"x","event":{"type":"e","error":{"message":{"toString":1}}},"createdAt":"1"}',
      `{"type":"@xstate.event","sessionId":"x","event":{"type":"e","value":${'['.repeat(50_000)}${']'.repeat(50_000)}},"createdAt":"1"}`,
      `{"type":"@xstate.snapshot","sessionId":"x","createdAt":"1","snapshot":{"context":{"path":"/","id":"x","instance":"x"},"value":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}}`,
    ]) {
      socket.send(junk)
    }
    await inspectNodes(port)
    await patiently(() => expect(everythingOf(board).nodes).toHaveLength(2))
  })
})

describe('a page', () => {
  test('is told all there is, and then what changes', async () => {
    const { port } = await openDashboard()
    const [node] = await inspectNodes(port)
    const { messages, answer } = open(port, '/live')
    await answer
    await patiently(() => expect(messages[0]).toMatchObject({ type: 'hello', title: 'a test' }))
    await patiently(() => {
      const nodes = messages.flatMap((message) => message.nodes)
      expect(nodes.filter(({ state }) => state === 'leader.holding')).toHaveLength(2)
    })
    await node?.stop()
    await patiently(() => {
      expect(messages.at(-1)?.nodes).toMatchObject([{ state: 'stopped.released' }])
    })
  })

  test.each([false, true])(
    'acts on nodes that offer it, if that is allowed: %s',
    async (isAllowed) => {
      const { board, port } = await openDashboard({ allowControl: isAllowed })
      const sender = new InspectionSender(new URL(`ws://127.0.0.1:${port}/inspect`))
      const asked: string[] = []
      sender.offer('x', ['stop'], (action) => asked.push(action))
      const locker = locked('memory:', {
        inspect: (event) => sender.inspect({ ...event, actorRef: named(event.actorRef) }),
      })
      onTestFinished(() => locker.close())
      await locker('/one', { value: 10 }).start()
      await patiently(() => expect(board.node('process 1:x')).toBeDefined())
      await patiently(() =>
        expect(board.node('process 1:x')?.actions).toEqual(isAllowed ? ['stop'] : []),
      )
      const { socket, answer } = open(port, '/live')
      await answer
      for (const action of ['start', 'format', 'stop']) {
        socket.send(JSON.stringify({ type: 'control', node: 'process 1:x', action }))
      }
      if (isAllowed) await patiently(() => expect(asked).toEqual(['stop']))
      else await new Promise((resolve) => setTimeout(resolve, 200))
      expect(asked).toEqual(isAllowed ? ['stop'] : [])
    },
  )
})

describe('a page that asks a leader to hand over', () => {
  const candidate = { instance: 'of b', id: 'b', since: 7 }

  async function asked(more: Partial<DashboardSettings>, ...asks: readonly unknown[]) {
    const calls: unknown[] = []
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const handOver = async (path: string, to: string | null) => {
      calls.push([path, to])
      if (to === 'nobody') throw new Error('nobody waits')
      await ended
    }
    const { board, port } = await openDashboard({ handOver, ...more })
    board.candidateEntered('etcd', '/path', candidate)
    const { socket, messages, answer } = open(port, '/live')
    await answer
    const answers: unknown[] = []
    socket.on('message', (data) => {
      const message: unknown = JSON.parse(String(data))
      if (JSON.stringify(message).includes('hand over answer')) answers.push(message)
    })
    for (const ask of asks) socket.send(JSON.stringify(ask))
    // The server answers pings in their turn.
    socket.ping()
    await once(socket, 'pong')
    return { calls, answers, messages, end }
  }

  const ask = { type: 'hand over', path: '/path', to: null }
  const answer = { type: 'hand over answer', path: '/path', problem: null }

  test('is told what came of it', async () => {
    const { calls, answers, messages, end } = await asked(
      { allowControl: true },
      { ...ask, to: 'b' },
      ask,
      { ...ask, path: '/other' },
    )
    expect(calls).toEqual([['/path', 'b']])
    const already = { ...answer, problem: 'its leader is asked already' }
    const elsewhere = { ...answer, path: '/other', problem: 'nobody waits for that path' }
    await patiently(() => expect(answers).toEqual([already, elsewhere]))
    end()
    await patiently(() => expect(answers.slice(2)).toEqual([answer]))
    expect(messages[0]).toMatchObject({ type: 'hello', mayHandOver: true })
  })

  test('is told why nothing came of it', async () => {
    const { answers } = await asked({ allowControl: true }, { ...ask, to: 'nobody' })
    await patiently(() => expect(answers).toEqual([{ ...answer, problem: 'nobody waits' }]))
  })

  test('is passed over where that is not allowed, or not understood', async () => {
    const { calls, answers, messages } = await asked({}, ask)
    expect([calls, answers]).toEqual([[], []])
    expect(messages[0]).toMatchObject({ type: 'hello', mayHandOver: false })
    const junk = [{ ...ask, to: 7 }, { type: 'hand over' }, { ...ask, path: [] }, null, []]
    const allowed = await asked({ allowControl: true }, ...junk)
    expect([allowed.calls, allowed.answers]).toEqual([[], []])
    const without = await asked({ allowControl: true, handOver: undefined }, ask)
    expect([without.calls, without.answers]).toEqual([[], []])
  })
})

/** The node’s actor under a name that the test knows; its services as they are. */
function named<Ref extends { readonly sessionId: string }>(actor: Ref): Ref {
  const isNode = Reflect.get(actor, '_parent') === undefined
  return isNode ? Object.create(actor, { sessionId: { value: 'x' } }) : actor
}
