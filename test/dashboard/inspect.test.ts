import { once } from 'node:events'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { ServerMessage } from '../../src/dashboard/protocol.js'
import { MAIN, RunningCommand } from '../cli/command.js'
import { patiently } from '../patience.js'
import { inspectionMessage } from '../untrusted/inspection-message.js'
import { everythingOf } from './everything.js'
import { open, openDashboard } from './served.js'

/** What a process says of a node. */
function snapshot(sessionId: string, state: string, instance = 'i', path = '/one') {
  const context = { path, id: `told by ${state}`, instance, value: 1 }
  const message = { type: '@xstate.actor', sessionId, createdAt: String(Date.now()) }
  return JSON.stringify({ ...message, snapshot: { context, value: state } })
}

function offer(sessionId: string) {
  return JSON.stringify({ type: 'locked.offer', sessionId, actions: ['stop', 'start', 'kill'] })
}

async function connect(port: number, path: '/live' | '/inspect') {
  const { socket, messages, answer } = open(port, path)
  expect(await answer).toBe(101)
  return { socket, messages }
}

function stateOf(messages: readonly ServerMessage[], key: string): string | undefined {
  return messages.flatMap(({ nodes }) => nodes ?? []).findLast((node) => node.key === key)?.state
}

test('two processes that call their nodes the same have two nodes', async () => {
  const { board, port } = await openDashboard({ allowControl: true })
  const first = await connect(port, '/inspect')
  first.socket.send(offer('x'))
  first.socket.send(snapshot('x', 'leader'))
  await patiently(() => expect(board.node('process 1:x')?.actions).toHaveLength(3))
  const second = await connect(port, '/inspect')
  for (const sessionId of ['x', 'process 1:x', 'path:/one']) {
    second.socket.send(offer(sessionId))
    second.socket.send(snapshot(sessionId, 'follower'))
  }
  await patiently(() => expect(board.node('process 2:path:/one')?.actions).toHaveLength(3))
  expect(everythingOf(board).nodes.map(({ key, source, state }) => [key, source, state])).toEqual([
    ['process 1:x', 'process 1', 'leader'],
    ['process 2:x', 'process 2', 'follower'],
    ['process 2:process 1:x', 'process 2', 'follower'],
    ['process 2:path:/one', 'process 2', 'follower'],
  ])
  expect(everythingOf(board).lanes.filter(({ lane }) => lane === 'path:/one')).toEqual([])

  const page = await connect(port, '/live')
  const control = (node: string) =>
    page.socket.send(JSON.stringify({ type: 'control', node, action: 'stop' }))
  control('process 1:x')
  await patiently(() => expect(first.messages).toHaveLength(1))
  control('process 2:x')
  await patiently(() => expect(second.messages).toHaveLength(1))
  second.socket.close()
  await once(second.socket, 'close')
  await patiently(() => expect(everythingOf(board).sources[1]?.isConnected).toBe(false))
  control('process 1:x')
  await patiently(() => expect(first.messages).toHaveLength(2))
  expect(second.messages).toHaveLength(1)
})

test('no process takes over a demo’s nodes, its path or its buttons', async () => {
  const demo = new RunningCommand(process.execPath, [MAIN, 'demo', '--port', '0', '--ttl', '2'])
  onTestFinished(() => demo[Symbol.dispose]())
  const [, found] = await demo.untilMatch(/dashboard is at http:\/\/127\.0\.0\.1:(\d+)/)
  const port = Number(found)
  const page = await connect(port, '/live')
  await patiently(() => expect(stateOf(page.messages, 'demo:node-a')).toBeDefined())

  const intruder = await connect(port, '/inspect')
  for (const sessionId of ['node-a', 'demo:node-a', 'path:/demo']) {
    intruder.socket.send(offer(sessionId))
    intruder.socket.send(snapshot(sessionId, 'hacked', 'i', '/demo'))
  }
  await patiently(() => {
    expect(stateOf(page.messages, 'process 1:path:/demo')).toBe('hacked')
  })
  const press = (node: string, action: string) =>
    page.socket.send(JSON.stringify({ type: 'control', node, action }))
  press('demo:node-a', 'stop')
  await demo.untilMatch(/node-a +stop\b/)
  press('process 1:node-a', 'stop')
  await patiently(() => expect(intruder.messages).toHaveLength(1))
  expect(intruder.messages).toEqual([
    { type: 'locked.control', sessionId: 'node-a', action: 'stop' },
  ])
  intruder.socket.terminate()
  await patiently(() => expect(stateOf(page.messages, 'demo:node-a')).toBe('stopped.released'))
  press('demo:node-a', 'start')
  await demo.untilMatch(/node-a +start\b[\s\S]*node-a +start\b/)

  const told = page.messages.flatMap(({ lanes, nodes }) => [...lanes, ...nodes])
  const hacked = told.filter(({ state }) => state === 'hacked')
  expect(hacked.length).toBeGreaterThan(0)
  for (const one of hacked) expect('key' in one ? one.key : one.lane).toMatch(/^process 1:/)
})

test('messages of any shape leave the dashboard running', async () => {
  const args = ['dashboard', '--endpoints', '127.0.0.1:1', '--port', '0', '--allow-control']
  const command = RunningCommand.locked(...args)
  onTestFinished(() => command[Symbol.dispose]())
  const [, found] = await command.untilMatch(/dashboard is at http:\/\/127\.0\.0\.1:(\d+)/)
  const port = Number(found)
  const page = await connect(port, '/live')
  const message = inspectionMessage(['x', 'path:/one', 'demo:node-a', '__proto__', ''])
  const any = fc.oneof({ weight: 3, arbitrary: message }, extremes)
  await fc.assert(
    fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 20 }), async (messages) => {
      const { socket } = await connect(port, '/inspect')
      for (const one of messages) socket.send(one)
      // It answers pings in their turn.
      socket.ping()
      const isAnswered = once(socket, 'pong').then(() => true)
      const isOver = once(socket, 'close').then(() => false)
      expect(await Promise.race([isAnswered, isOver]), command.stderr).toBe(true)
      socket.terminate()
    }),
    { numRuns: 40, interruptAfterTimeLimit: 60_000, endOnFailure: true },
  )
  const sensible = await connect(port, '/inspect')
  sensible.socket.send(snapshot('sensible', 'leader'))
  await patiently(() => expect(JSON.stringify(page.messages)).toContain(':sensible"'))
  const hello = await connect(port, '/live')
  await patiently(() => expect(hello.messages[0]?.type).toBe('hello'))
  expect(page.socket.readyState).toBe(page.socket.OPEN)
  const nodes = [...page.messages, ...hello.messages].flatMap((one) => one.nodes)
  expect(nodes.length).toBeGreaterThan(1)
  for (const { key, sinceMs, validUntilMs } of nodes) {
    expect(key).toMatch(/^process \d+:/)
    for (const atMs of [sinceMs, validUntilMs ?? 0]) expect(new Date(atMs).getTime()).toBe(atMs)
  }
})

/** Times that no date can tell, of a process whose clock is set from one end of time to the other. */
const extremes = fc
  .record({
    createdAt: fc.constantFrom(8.64e15, -8.64e15, 1e308, -1e308, Date.now()),
    validityMs: fc.constantFrom(1e308, -1e308, 8.64e15, 1_000),
    isEvent: fc.boolean(),
    state: fc.constantFrom('leader', 'follower'),
  })
  .map(({ createdAt, validityMs, isEvent, state }) =>
    isEvent
      ? JSON.stringify({
          type: '@xstate.event',
          sessionId: 'x',
          createdAt,
          event: { type: 'renewed', validityMs },
        })
      : JSON.stringify({ ...JSON.parse(snapshot('x', state)), createdAt }),
  )
