import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Board } from '../../src/dashboard/board.js'
import { InspectedProcess } from '../../src/dashboard/inspected-process.js'
import { PathSource } from '../../src/dashboard/path-source.js'
import type { ServerMessage, Update } from '../../src/dashboard/protocol.js'
import { encodeRecord } from '../../src/record.js'
import { assertBuilt } from '../package/built.js'
import { everythingOf } from './everything.js'
import { open, openDashboard } from './served.js'

const ETCD = { id: 'etcd', kind: 'etcd', name: 'etcd' } as const

function entryOf(value: string, revision: number) {
  const record = encodeRecord({ id: 'a', value, instance: 'instance of a' })
  return { entry: { text: record, token: revision, revision, lease: '1' }, revision }
}

test('of paths that came and went the latest thousand are kept, and pages are told of the others', () => {
  const board = new Board()
  const told: Update[] = []
  board.subscribe((update) => told.push(update))
  const source = new PathSource(board, ETCD)
  source.connected()
  for (let index = 0; index < 1_500; index += 1) {
    source.seen(`/gone/${index}`, entryOf('value', 2 * index + 1))
    source.seen(`/gone/${index}`, { entry: null, revision: 2 * index + 2 })
  }
  source.seen('/stays', entryOf('value', 4_000))
  const { paths, lanes } = everythingOf(board)
  const gone = Array.from({ length: 1_000 }, (_, index) => `/gone/${500 + index}`)
  expect(paths.map(({ path }) => path)).toEqual([...gone.sort(), '/stays'])
  expect(lanes.every(({ lane }) => lane !== 'path:/gone/499')).toBe(true)
  return new Promise<void>((resolve) => {
    board.subscribe(({ gone }) => {
      expect(gone).toContain('path:/gone/499')
      expect(gone).not.toContain('path:/gone/500')
      board.close()
      resolve()
    })
  })
})

test('what all lanes hold together is bounded, however many paths there are', () => {
  const board = new Board()
  const source = new PathSource(board, ETCD)
  source.connected()
  let revision = 0
  const paths = 30_000
  for (let round = 0; round < 20; round += 1) {
    for (let index = 0; index < paths; index += 1) {
      revision += 1
      source.seen(`/path/${index}`, entryOf('value', revision))
    }
  }
  const { lanes } = everythingOf(board)
  expect(lanes.length).toBeLessThanOrEqual(220_000)
  // Each has its latest.
  expect(new Set(lanes.map(({ lane }) => lane)).size).toBe(paths)
  board.close()
})

test('no process makes the board show more nodes than it can', () => {
  const board = new Board()
  const inspected = new InspectedProcess(board, 'process 1')
  for (let index = 0; index < 12_000; index += 1) {
    const context = { path: '/path', id: `${index}`, instance: `${index}`, value: 1 }
    inspected.take({
      type: '@xstate.actor',
      sessionId: `${index}`,
      createdAt: '1',
      snapshot: { value: 'idle', context },
    })
  }
  expect(everythingOf(board).nodes).toHaveLength(10_000)
  board.close()
})

/** What a process says of a node, each name in it as long as a name may be made. */
function told(sessionId: string, state: string, more: Readonly<Record<string, unknown>> = {}) {
  const context = { path: '/path', id: sessionId, instance: sessionId, value: 1, ...more }
  return {
    type: '@xstate.snapshot',
    sessionId,
    createdAt: '1',
    snapshot: { value: state, context },
  }
}

test('of nodes that stopped the latest thousand are kept, and there is always room for one that runs', () => {
  const board = new Board()
  const inspected = new InspectedProcess(board, 'process 1')
  for (let index = 0; index < 12_000; index += 1) {
    for (const state of ['leader', 'stopped']) inspected.take(told(`${index}`, state))
  }
  inspected.take(told('runs', 'leader'))
  const keys = everythingOf(board).nodes.map(({ key }) => key)
  expect(keys).toHaveLength(1_001)
  expect(keys).toContain('process 1:11000')
  expect(keys).toContain('process 1:runs')
  // One that is started again is not among those that have stopped.
  inspected.take(told('11000', 'leader'))
  for (let index = 12_000; index < 14_000; index += 1) inspected.take(told(`${index}`, 'stopped'))
  expect(board.node('process 1:11000')?.state).toBe('leader')
  expect(board.nodes).toHaveLength(1_002)
  board.close()
})

test('of processes that have gone the latest thousand are kept, and pages are told of the others', async () => {
  const board = new Board()
  for (let index = 1; index <= 3_000; index += 1) {
    const id = `process ${index}`
    const source = { id, kind: 'process', name: id, sinceMs: 1, problem: null } as const
    board.setSource({ ...source, isConnected: true })
    new InspectedProcess(board, id).take(told('x', 'leader'))
    board.setSource({ ...source, isConnected: false })
  }
  expect(board.sources).toHaveLength(1_000)
  expect(board.sources[0]?.id).toBe('process 2001')
  expect(board.nodes.length).toBeLessThanOrEqual(1_000)
  const { gone } = await new Promise<Update>((resolve) => void board.subscribe(resolve))
  expect(gone).toContain('process 2000')
  expect(gone).not.toContain('process 2001')
  board.close()
})

test('names as long as a message may be are kept as far as they are shown', () => {
  const board = new Board()
  const inspected = new InspectedProcess(board, 'process 1')
  const long = 'x'.repeat(3_000_000)
  const names = { path: long, id: long, instance: long, value: long }
  for (let index = 0; index < 20; index += 1) {
    for (const state of [long, 'leader', 'follower']) inspected.take(told(`${index}`, state, names))
    const event = { type: long, error: { message: long }, value: long, holder: { id: long } }
    const message = { type: '@xstate.event', sessionId: `${index}`, createdAt: '1', event }
    for (let time = 0; time < 5; time += 1) inspected.take(message)
  }
  inspected.take(told(long, 'leader'))
  inspected.take({ type: 'locked.offer', sessionId: long, actions: ['stop'] })
  const source = new PathSource(board, ETCD)
  for (let revision = 1; revision <= 50; revision += 1) {
    source.seen(`/${revision % 2}${long}`, entryOf(long, revision))
  }
  expect(board.nodes).toHaveLength(20)
  expect(board.events.length).toBeGreaterThan(150)
  expect(
    JSON.stringify([board.events, board.nodes.map((key) => board.node(key))]).length,
  ).toBeLessThan(1_000_000)
  board.close()
})

test('no process makes the dashboard remember more offers than it can', () => {
  const board = new Board()
  let offered = 0
  const inspected = new InspectedProcess(board, 'process 1', ({ actions }) => {
    offered += 1
    return actions
  })
  const offer = (sessionId: string) =>
    inspected.take({ type: 'locked.offer', sessionId, actions: ['stop', 'stop'] })
  for (let index = 0; index < 5_000; index += 1) offer(`${index}`)
  expect(offered).toBe(1_000)
  inspected.take(told('0', 'leader'))
  inspected.take(told('4999', 'leader'))
  expect(board.node('process 1:0')?.actions).toEqual(['stop'])
  expect(board.node('process 1:4999')?.actions).toEqual([])
  board.close()
})

test('a process that is connected again is shown once', () => {
  const board = new Board()
  const node = (sessionId: string) => ({
    type: '@xstate.actor',
    sessionId,
    createdAt: '1',
    snapshot: {
      value: 'idle',
      context: { path: '/path', id: sessionId, instance: sessionId, value: 1 },
    },
  })
  const say = (id: string, isConnected: boolean) =>
    board.setSource({ id, kind: 'process', name: id, isConnected, sinceMs: 1, problem: null })
  const keys = () => everythingOf(board).nodes.map(({ key }) => key)
  for (const id of ['process 1', 'process 2']) {
    say(id, true)
    const inspected = new InspectedProcess(board, id)
    for (const sessionId of ['x', 'y']) inspected.take(node(sessionId))
  }
  // Of two that are there, neither takes anything from the other.
  expect(keys()).toEqual(['process 1:x', 'process 1:y', 'process 2:x', 'process 2:y'])
  say('process 1', false)
  say('process 3', true)
  new InspectedProcess(board, 'process 3').take(node('x'))
  expect(keys()).toEqual(['process 1:y', 'process 2:x', 'process 2:y', 'process 3:x'])
  board.close()
})

test('a value of a megabyte is kept as far as it is shown, however often it is written', async () => {
  assertBuilt()
  const code = `
    import { Board } from './dist/src/dashboard/board.js'
    import { PathSource } from './dist/src/dashboard/path-source.js'
    const board = new Board()
    const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name: 'etcd' })
    for (let revision = 1; revision <= 500; revision += 1) {
      const record = JSON.stringify({ id: 'a', value: 'x'.repeat(1e6) + revision, instance: 'i' })
      source.seen('/path', { entry: { text: record, token: 1, revision, lease: '1' }, revision })
    }
    globalThis.gc()
    const keptBytes = process.memoryUsage().heapUsed
    const shown = board.holder('/path').value
    board.close()
    console.log(JSON.stringify({ keptBytes, length: shown.length, end: shown.slice(-24) }))
  `
  const args = ['--expose-gc', '--input-type=module', '--eval', code]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const { keptBytes, length, end } = JSON.parse(out)
  expect(keptBytes).toBeLessThan(100_000_000)
  expect(length).toBeLessThan(2_100)
  expect(end).toContain('… (1000005 characters)')
})

test('a page that is slow has one message on its way, and then hears of each path only its latest', async () => {
  const { port, board } = await openDashboard()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`)
  onTestFinished(() => socket.terminate())
  const next = () => once(socket, 'message').then(([data]): ServerMessage => JSON.parse(data))
  expect(await next()).toMatchObject({ type: 'hello', paths: [] })
  const source = new PathSource(board, ETCD)
  source.connected()
  let messages = 0
  socket.on('message', () => {
    messages += 1
  })
  for (let revision = 1; revision <= 20; revision += 1) {
    const told = new Promise<void>((resolve) => void board.subscribe(() => resolve()))
    source.seen('/path', entryOf(`value ${revision}`, revision))
    for (let one = 0; one < 500; one += 1) {
      source.seen(`/one/${one}`, entryOf(`value ${revision}`, revision))
    }
    await told
  }
  // Whatever was sent before the answer to a ping has come before that.
  socket.ping()
  await once(socket, 'pong')
  expect(messages).toBe(0)
  const later = next()
  socket.send(JSON.stringify({ type: 'taken' }))
  const { paths, lanes, anew, log } = await later
  expect(paths.find(({ path }) => path === '/path')?.holder?.token).toBe(20)
  expect(paths.length).toBeGreaterThanOrEqual(500)
  expect(log.length).toBeLessThanOrEqual(1_000)
  // Of lanes that changed too often it is told what they show, in place of what was known before.
  expect(anew).toContain('path:/path')
  expect(lanes.filter(({ lane }) => lane === 'path:/path')).toHaveLength(20)
})

test('a page that takes nothing is left, and so many more are served', async () => {
  const { port, board } = await openDashboard()
  const pages = Array.from({ length: 32 }, () => open(port, '/live'))
  expect(await Promise.all(pages.map(({ answer }) => answer))).toEqual(pages.map(() => 101))
  expect(await open(port, '/live').answer).toBe(503)
  const [slow] = pages
  slow?.socket.pause()
  // More than the sockets of both sides hold.
  const details = 'x'.repeat(50_000)
  const log = { atMs: 0, kind: 'held', path: '/path', node: null, details }
  for (let entries = 0; entries < 200; entries += 1) board.log(log)
  await expect.poll(() => open(port, '/live').answer).toBe(101)
  for (const { socket } of pages.slice(1)) expect(socket.readyState).toBe(socket.OPEN)
})
