import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { RefusedError, StoppedError } from '../../../src/index.js'
import {
  gate,
  known,
  listenForCrashes,
  lockerOn,
  makeLink,
  path,
  record,
  turns,
  twoStarted,
  untilStopped,
} from './nodes.js'

describe('start()', () => {
  test('resolves once this node is known to be the leader', async () => {
    const node = lockerOn()({ path, id: 'a', value: 10 })
    await node.start()
    const { token } = node
    expect(token).toBeTypeOf('bigint')
    const holder = { id: 'a', value: 10, token }
    expect(known(node)).toEqual({ state: 'leader', isLeader: true, holder, token })
  })

  test('resolves once this node is known to be a follower', async () => {
    const [leader, follower] = await twoStarted()
    const holder = { id: 'a', value: 10, token: leader.token }
    expect(known(follower)).toEqual({ state: 'follower', isLeader: false, holder, token: null })
  })

  test('calls back as well', async () => {
    const node = lockerOn()({ path, value: 10 })
    const called = await new Promise((resolve) => node.start((...args) => resolve([...args])))
    expect(called).toEqual([null, undefined])
    expect(node.isLeader).toBe(true)
  })

  test('is harmless while it runs, and once it has run', async () => {
    const node = lockerOn()({ path, value: 10 })
    const events = record(node)
    await Promise.all([node.start(), node.start()])
    await node.start()
    expect(events.filter(([name]) => name === 'select')).toHaveLength(1)
  })

  test('works again after stop(), and yields a greater token', async () => {
    const node = lockerOn()({ path, value: 10 })
    await node.start()
    const first = node.token ?? 0n
    await node.stop()
    await node.start()
    expect(node.isLeader).toBe(true)
    expect(node.token).toBeGreaterThan(first)
  })

  test('works while it is still stopping', async () => {
    const node = lockerOn()({ path, value: 10 })
    await node.start()
    const stopped = node.stop()
    await node.start()
    await stopped
    expect(node.isLeader).toBe(true)
  })

  test('rejects with a StoppedError when the node is stopped first', async () => {
    const { store, link, requests } = makeLink()
    const { opened, open } = gate()
    requests.claim = () => opened
    const node = lockerOn(link)({ path, id: 'a', value: 10 })
    const started = node.start()
    const called = new Promise((resolve) => node.start(resolve))
    const stopped = node.stop()
    await expect(started).rejects.toThrow(StoppedError)
    await expect(started).rejects.toMatchObject({ path, nodeId: 'a' })
    expect(await called).toBeInstanceOf(StoppedError)
    open()
    await stopped
    expect(store.entries().size).toBe(0)
  })

  test('rejects, calls back and tells `error` when the store refuses for good', async () => {
    const { link, requests } = makeLink()
    const refusal = new RefusedError('permission denied')
    requests.claim = () => refusal
    const node = lockerOn(link)({ path, value: 10 })
    const told = once(node, 'error')
    const called = new Promise((resolve) => node.start(resolve))
    await expect(node.start()).rejects.toBe(refusal)
    expect(await called).toBe(refusal)
    expect(await told).toEqual([refusal])
    expect(node.state).toBe('stopped')
    await node.stop()
  })

  test('may be left alone: its rejection never crashes the process', async () => {
    const { link, requests } = makeLink()
    const refusal = new RefusedError('permission denied')
    requests.claim = () => refusal
    const unhandled = listenForCrashes()
    const node = lockerOn(link)({ path, value: 10 })
    node.start()
    await node.stop()
    node.start()
    await untilStopped(node)
    await turns()
    expect(unhandled).toEqual([])
  })
})
