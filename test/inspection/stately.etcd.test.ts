import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { assertBuilt } from '../package/built.js'
import { startRelay } from './relay.js'
import { Viewer } from './viewer.js'

const script = fileURLToPath(new URL('inspected.mjs', import.meta.url))

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd()
})

afterAll(async () => {
  await etcd?.stop()
})

/** A node in a process of its own, which a viewer at `url` is told of. */
class Inspected {
  readonly child: ChildProcess
  readonly #lines: Interface

  constructor(url: string, path: string, id: string, how: 'by option' | 'by environment') {
    assertBuilt()
    const options = { path, id, value: `value of ${id}`, ttl: 30 }
    const given = how === 'by option' ? url : null
    const args = [etcd.endpoint, given, options].map((one) => JSON.stringify(one))
    this.child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...(how === 'by environment' && { LOCKED_INSPECT: url }) },
    })
    const { stdout } = this.child
    if (stdout === null) throw new Error('a pipe was asked for')
    this.#lines = createInterface({ input: stdout })
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  async call(name: 'start' | 'stop' | 'propose'): Promise<void> {
    const answered = once(this.#lines, 'line')
    this.child.stdin?.write(`${name}\n`)
    await answered
  }
}

describe.each(['by option', 'by environment'] as const)('two processes inspected %s', (how) => {
  test('are seen by a viewer as two nodes, state by state', async () => {
    const { url } = await startRelay()
    const viewer = new Viewer(url)
    const path = `/${randomUUID()}`
    const one = new Inspected(url, path, 'one', how)
    const two = new Inspected(url, path, 'two', how)

    await viewer.nodeIn(`${path} one`, 'idle')
    await viewer.nodeIn(`${path} two`, 'idle')
    await one.call('start')
    await viewer.nodeIn(`${path} one`, 'leader.holding')
    await two.call('start')
    await viewer.nodeIn(`${path} two`, 'follower.following')
    await one.call('propose')
    await viewer.eventAt(`${path} one`, 'proposed')
    await one.call('stop')
    const first = await viewer.nodeIn(`${path} one`, 'stopped.released')
    const second = await viewer.nodeIn(`${path} two`, 'leader.holding')

    expect(viewer.nodes()).toHaveLength(2)
    expect(first.sessionId).not.toBe(second.sessionId)
    for (const { definition } of [first, second]) {
      expect(definition).toMatchObject({
        id: 'election',
        states: {
          idle: {},
          campaigning: { states: { claiming: {}, waiting: {} } },
          leader: { states: { holding: {}, proposing: {}, waiting: {} } },
          follower: { states: { following: {}, reopening: {}, waiting: {} } },
          stopped: {
            states: {
              draining: {},
              listing: {},
              choosing: { states: { checking: {} } },
              handingOver: {},
              releasing: {},
              leaving: {},
              released: {},
            },
          },
        },
      })
    }
    // Whether it knows by then who waits, or has to ask, is a matter of how long it has led.
    expect(first.states.filter((state) => state !== 'stopped.listing')).toEqual([
      'idle',
      'campaigning.claiming',
      'leader.holding',
      'leader.proposing',
      'leader.holding',
      'stopped.draining',
      'stopped.handingOver',
      'stopped.releasing',
      'stopped.released',
    ])
    expect(second.states).toEqual([
      'idle',
      'campaigning.claiming',
      'follower.following',
      'leader.holding',
    ])
    expect(viewer.childrenOf(first).filter((child) => child !== 'list')).toEqual([
      'campaign',
      'watch',
      'keepAlive',
      'propose',
      'drain',
      'handOver',
      'release',
    ])
    expect(viewer.childrenOf(second)).toEqual([
      'campaign',
      'watch',
      'keepAlive',
      'watch',
      'keepAlive',
    ])
    expect(first.events).toContainEqual(
      expect.objectContaining({
        type: 'won',
        holder: expect.objectContaining({ id: 'one', value: 'value of one' }),
        validityMs: expect.any(Number),
      }),
    )
    const types = first.events
      .map(({ type }) => type)
      .filter((type) => !['xstate.init', 'renewed'].includes(type))
    expect(types.slice(0, 3)).toEqual(['start', 'won', 'propose'])
  })
})

test('a viewer that was away is told what stands once it is back', async () => {
  const relay = await startRelay()
  const path = `/${randomUUID()}`
  const node = new Inspected(relay.url, path, 'one', 'by environment')
  await new Viewer(relay.url).nodeIn(`${path} one`, 'idle')
  await relay.close()
  await node.call('start')
  const again = await startRelay(Number(new URL(relay.url).port))
  const seen = await new Viewer(again.url).nodeIn(`${path} one`, 'leader.holding')
  expect(seen.states).toEqual(['leader.holding'])
})

test('a process ends with its last node, whether the viewer is there or not', async () => {
  const { url, close } = await startRelay()
  const path = `/${randomUUID()}`
  const [there, gone] = ['there', 'gone'].map(
    (id) => new Inspected(url, `${path}/${id}`, id, 'by environment'),
  )
  if (there === undefined || gone === undefined) throw new Error('never')
  for (const node of [there, gone]) await node.call('start')
  for (const node of [there, gone]) {
    const exited = once(node.child, 'exit')
    await node.call('stop')
    node.child.stdin?.end()
    expect(await exited).toEqual([0, null])
    await close()
  }
})
