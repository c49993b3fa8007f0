import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test as plain, vi } from 'vitest'
import { type LockedNode, locked } from '../../src/index.js'
import { memberEndpoint } from '../../src/stores/etcd/connection/endpoint.js'
import { EtcdStore } from '../../src/stores/etcd/etcd-store.js'
import { startCluster, startEtcd } from '../etcd/index.js'
import { freePort } from '../etcd/ports.js'
import { startRelay } from '../etcd/relay.js'
import { startRequestRelay } from '../etcd/request-relay.js'
import { Starvation } from '../load/starvation.js'
import { PATIENCE_MS } from '../patience.js'
import { now } from './now.js'
import { leastValidityMs, type Renewed } from './validity.js'

const source = inject('etcdSource')
/** They are commands of the server’s own program. */
const test = plain.skipIf(!('binary' in source))

test.each(['grpc-proxy', 'gateway'])(
  'behind etcd %s sessions go on over the same connection',
  async (kind) => {
    const etcd = await startEtcd()
    onTestFinished(() => etcd.stop())
    const relay = await startRelay(await startProxy(kind, etcd.endpoint))
    onTestFinished(() => relay.stop())
    const lockers = [locked(relay.endpoint), locked(relay.endpoint)] as const
    onTestFinished(async () => {
      await Promise.all(lockers.map((locker) => locker.close()))
    })
    const [leader, follower] = lockers.map((locker, index) =>
      locker('/behind/proxy', { id: `${index}`, value: index, ttl: 4 }),
    )
    if (leader === undefined || follower === undefined) throw new Error('two of them')
    using starvation = new Starvation()
    const renewed: Renewed[] = []
    leader.on('refresh', () => renewed.push({ at: now(), validityMs: leader.validityMs }))
    const told: unknown[] = []
    for (const node of [leader, follower]) {
      for (const event of ['deselect', 'error'] as const) {
        node.on(event, (...args: unknown[]) => told.push(args))
      }
    }
    await leader.start()
    await follower.start()
    const { opened } = relay
    // Over several validities.
    for (let renewals = 0; renewals < 8; renewals += 1) await once(leader, 'refresh')
    const leastMs = leastValidityMs(renewed, (from, to) => starvation.between(from, to))
    expect(leastMs).toBeGreaterThan(0.4 * 4_000)
    expect(relay.opened).toBe(opened)
    expect(leader.isLeader).toBe(true)
    const changed = once(follower, 'change')
    await leader.propose('proposed')
    expect(await changed).toEqual(['proposed', '0'])
    expect(told).toEqual([])
    const selected = once(follower, 'select')
    await leader.stop()
    await selected
  },
)

test.each(['grpc-proxy', 'gateway'])(
  'behind etcd %s before three members an election goes on when any of them dies',
  async (kind) => {
    const { members, endpoints, stop } = await startCluster(3)
    onTestFinished(stop)
    const proxy = await startProxy(kind, endpoints.join())
    const lockers = [locked(proxy), locked(proxy)] as const
    onTestFinished(async () => {
      await Promise.all(lockers.map((locker) => locker.close()))
    })
    const nodes = lockers.map((locker, index) =>
      locker('/behind/three', { id: `${index}`, value: index, ttl: 6 }),
    )
    for (const node of nodes) {
      node.on('error', (error) => expect.unreachable(error.message))
      node.on('select', () => expect(nodes.filter(({ isLeader }) => isLeader)).toHaveLength(1))
      await node.start()
    }
    for (const [index, member] of members.entries()) {
      await member.kill()
      // Whoever leads has renewed without that member.
      await Promise.race(nodes.map((node) => once(node, 'refresh')))
      const leader = await vi.waitUntil(() => nodes.find(({ isLeader }) => isLeader), {
        timeout: PATIENCE_MS,
      })
      const value = `without member ${index}`
      const heard = nodes.map((node) => hears(node, value))
      await leader.propose(value)
      await Promise.all(heard)
      await member.start()
    }
  },
)

test('behind etcd grpc-proxy, which answers no questions about a watch and takes pings for an attack, all is quiet while nothing happens', async () => {
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  const proxy = await startProxy('grpc-proxy', etcd.endpoint)
  const lockers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const relay = await startRelay(proxy)
      onTestFinished(() => relay.stop())
      const locker = locked(relay.endpoint)
      onTestFinished(() => locker.close())
      return { relay, locker }
    }),
  )
  const nodes = lockers
    .slice(0, 3)
    .map(({ locker }, index) =>
      locker('/behind/quiet/proxy', { id: `${index}`, value: index, ttl: 20 }),
    )
  const troubles: unknown[] = []
  const trouble = (...args: unknown[]) => troubles.push(args)
  for (const node of nodes) {
    node.on('deselect', trouble).on('error', trouble).on('unreachable', trouble)
    await node.start()
  }
  const observers = lockers
    .slice(3)
    .map(({ locker }, index) => locker.observe('/behind/quiet/proxy', { prefix: index === 1 }))
  for (const observer of observers) {
    observer.on('error', trouble).on('unreachable', trouble).on('vacant', trouble)
  }
  await Promise.all(observers.map((observer) => once(observer, 'known')))
  using starvation = new Starvation()
  const opened = lockers.map(({ relay }) => relay.opened)
  const [leader] = nodes
  if (leader === undefined) throw new Error('three of them')
  const since = now()
  // For longer than a stream may be silent.
  for (let renewals = 0; renewals < 8; renewals += 1) await once(leader, 'refresh')
  if (starvation.between(since, now()) < 100) {
    expect(troubles).toEqual([])
    // Once it is known that there are to be no pings, there are none.
    for (const [index, { relay }] of lockers.entries()) {
      expect(relay.opened - (opened[index] ?? 0)).toBeLessThanOrEqual(2)
    }
  }
  // Nobody has taken what the proxy says by itself for another history.
  expect(troubles.flat()).not.toContain('reset')
  const told = [...nodes.slice(1), ...observers].map((one) => once(one, 'change'))
  const [holder] = nodes.filter(({ isLeader }) => isLeader)
  await holder?.propose('proposed')
  await Promise.all(told)
})

test('where renewals alone get no answer, the error names a proxy as the likely cause', async () => {
  const etcd = await startEtcd()
  onTestFinished(() => etcd.stop())
  const relay = await startRequestRelay(() => etcd.endpoint)
  onTestFinished(() => relay.stop())
  const locker = locked(relay.endpoint)
  onTestFinished(() => locker.close())
  const node = locker('/behind/held', { value: 1, ttl: 6 })
  const troubles: string[] = []
  node.on('unreachable', ({ name, message }) => troubles.push(`${name}: ${message}`))
  node.on('error', (error) => expect.unreachable(error.message))
  await node.start()
  await once(node, 'refresh')
  relay.hold('LeaseKeepAlive')
  await expect
    .poll(() => troubles.join('\n'))
    .toMatch(
      new RegExp(
        `^UnreachableError: renewing the session: it was not answered in time, while ${relay.endpoint} answers otherwise: is a proxy on the way`,
        'm',
      ),
    )
  relay.release()
  await once(node, 'refresh')
  await expect.poll(() => node.isLeader).toBe(true)
})

test('where renewals go to a member that nothing else goes to, the error asks for a balancer', async () => {
  const { endpoints, stop } = await startCluster(3)
  onTestFinished(stop)
  const [first = '', second = ''] = endpoints
  const relay = await startRequestRelay((method) => (method === 'LeaseKeepAlive' ? second : first))
  onTestFinished(() => relay.stop())
  const stores = [first, relay.endpoint].map(
    (address) => new EtcdStore([memberEndpoint({ secure: false, address }, {})]),
  )
  onTestFinished(() => {
    for (const store of stores) store.closeIdle()
  })
  const [direct, balanced] = stores
  if (direct === undefined || balanced === undefined) throw new Error('two of them')
  const call = { timeoutMs: 10_000 }
  // Whoever opens a session has it renewed at once, and knows that member from then on.
  const lease = await direct.grant(60, call)
  await balanced.read('/balanced', call)
  const renewing = () => balanced.renew(lease, call, ['/balanced'])
  await expect(renewing()).rejects.toThrow(/is a balancer on the way that changes members\?$/)
  expect(await renewing()).toBe(60_000)
})

/** Resolves once it is told of that value. */
async function hears(node: LockedNode, value: string): Promise<void> {
  for (;;) {
    const [told] = await once(node, 'change')
    if (told === value) return
  }
}

/** Resolves with where it serves. */
async function startProxy(kind: string, endpoints: string): Promise<string> {
  if (!('binary' in source)) throw new Error('there is no program to start')
  const folder = mkdtempSync(join(tmpdir(), 'locked-proxy-'))
  const address = `127.0.0.1:${await freePort()}`
  const args = [kind, 'start', `--endpoints=${endpoints}`, `--listen-addr=${address}`]
  if (kind === 'grpc-proxy') {
    args.push(`--data-dir=${join(folder, 'data')}`, `--advertise-client-url=${address}`)
  }
  const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch }
  const proxy = spawn(source.binary, args, { cwd: folder, stdio: 'ignore', env })
  onTestFinished(async () => {
    proxy.kill('SIGKILL')
    if (proxy.exitCode === null && proxy.signalCode === null) await once(proxy, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })
  await expect.poll(() => takesConnections(address)).toBe(true)
  return address
}

function takesConnections(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect(Number(port), host)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
