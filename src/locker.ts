import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Etcd3, Namespace } from 'etcd3'
import type { ElectionMachine, Json } from '../machines/election.js'
import { assertJson, assertKnownKeys, assertPath, describe, LONGEST_TTL } from './arguments.js'
import { type Clock, systemClock } from './clock.js'
import { senderFromEnvironment } from './inspection/sender.js'
import { LockedNode, type Onlookers } from './node.js'
import type { Inspect } from './node-types.js'
import type { LockedObserver } from './observing/observer.js'
import { Observers } from './observing/observers.js'
import type { LockedPathObserver } from './observing/path-observer.js'
import { ContainedClock } from './onlookers/contained-clock.js'
import { assertMeter, type Meter } from './onlookers/meter.js'
import type { Competitor } from './services/competitors.js'
import { Services } from './services/services.js'
import { parseHosts } from './stores/etcd/connection/addresses.js'
import { assertAuth, assertCredentials } from './stores/etcd/connection/credentials.js'
import {
  clientEndpoint,
  type EtcdOptions,
  isEtcdClient,
  memberEndpoints,
} from './stores/etcd/connection/endpoint.js'
import { EtcdStore } from './stores/etcd/etcd-store.js'
import { type Etcdjs, isEtcdjs } from './stores/etcd-v2/client.js'
import { EtcdjsStore } from './stores/etcd-v2/etcdjs-store.js'
import { memoryStoreNamed } from './stores/memory.js'
import type { Store } from './stores/store.js'
import { Telemetry } from './telemetry.js'

/**
 * Where the election is held: etcd hosts, an etcd3 client, an etcdjs object (etcd’s v2 API), `memory:`
 * or `memory:name`, or a store.
 */
export type Hosts = string | readonly string[] | Etcd3 | Namespace | Etcdjs | Store

/** What `locked` takes besides hosts: what etcd3 takes, and this. */
export interface LockerOptions extends EtcdOptions {
  /** Receives XState’s inspection events of every node. */
  readonly inspect?: Inspect
  /** Another clock than the system’s, for tests. */
  readonly clock?: Clock
  /** Measures elections and sessions: an OpenTelemetry `Meter`. Without it nothing is measured. */
  readonly meter?: Meter
}

/** What a locker takes to make a node. */
export interface NodeOptions {
  /** Names this node to the others; made up if left out. */
  readonly id?: string
  /** The value that the path has while this node is the holder: any JSON value. */
  readonly value: Json
  /** For how many seconds a node that has gone stays the holder; default 10. The store may grant another. */
  readonly ttl?: number
  /** Receives XState’s inspection events of this node. */
  readonly inspect?: Inspect
}

/** How a locker observes. */
export interface ObserveOptions {
  /** Whether it is all paths that begin so, rather than that path; all there are, if it is empty. */
  readonly prefix?: boolean
}

/** Makes nodes that share one connection and one session. */
export interface Locker {
  /** @throws TypeError or RangeError that names the option that is wrong. */
  (path: string, options: NodeOptions): LockedNode
  (options: NodeOptions & { readonly path: string }): LockedNode
  /**
   * The statechart on this locker's store, for an XState app that runs it as an actor of its own,
   * invoked or spawned, rather than as a node. Its input is `{ path, id, instance, value, ttl }`, with
   * an `instance` that nobody else has and that is used once only, such as `randomUUID()`. It begins in
   * `idle`. An actor that is stopped, without having been sent `stop` first, is released all the same, and
   * so is one that ends in an error. Its snapshot stays in the state that it was in then: it leads only
   * while its `status` is `active`.
   *
   * An actor may be restored from a persisted snapshot, by another process as well. Its session is
   * not: once `start()` has returned it is not in `leader`, whatever the snapshot says. From
   * `campaigning`, `leader` and `follower` it campaigns anew; it tells `deselect` with `expired` if it
   * led. Where it was stopping it ends up in `stopped.released`, and `idle` and `stopped.released` stay
   * what they are. What the earlier process left at the path goes when its lease runs out. Should that
   * process still run, only one of the two is the leader. Within one locker an instance takes part once:
   * an actor that is restored while the original still does ends in a RangeError.
   */
  readonly machine: ElectionMachine
  /**
   * Follows who holds a path, or all paths that begin alike, and takes no part in any election. It needs
   * permission to read them, and nothing else. What candidates leave beside a path is not listed.
   *
   * @throws TypeError or RangeError that names the argument that is wrong.
   * @throws UnsupportedError when the store, one of your own, cannot observe a prefix.
   */
  observe(path: string, options?: { readonly prefix?: false }): LockedPathObserver
  /** The same, where it is not known beforehand which of the two it is. */
  observe(path: string, options?: ObserveOptions): LockedObserver
  /**
   * Asks the store who competes for `path`: the holder first, and then those who wait, in the order in
   * which they came. Of a store without hand-over it is the holder alone.
   */
  candidates(path: string): Promise<readonly Competitor[]>
  /** Stops all nodes that this locker has made, and all actors that run its machine, and closes its observers. */
  close(): Promise<void>
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

const DEFAULT_TTL = 10
const NODE_OPTIONS = ['path', 'id', 'value', 'ttl', 'inspect']
const OBSERVE_OPTIONS = ['prefix']
const LOCKER_OPTIONS = [
  'credentials',
  'auth',
  'grpcOptions',
  'defaultCallOptions',
  'dialTimeout',
  'faultHandling',
  'inspect',
  'clock',
  'meter',
]

/**
 * Makes a locker for an etcd cluster.
 *
 * @throws TypeError or RangeError when hosts or options are wrong.
 */
export function locked(hosts: Hosts, options: LockerOptions = {}): Locker {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`locked: options must be an object, was given ${describe(options)}`)
  }
  assertKnownKeys('locked', options, LOCKER_OPTIONS)
  const { credentials } = options
  if (credentials !== undefined && typeof credentials !== 'function') assertCredentials(credentials)
  if (options.auth !== undefined) assertAuth(options.auth)
  const { inspect: given, clock: givenClock, meter, ...etcdOptions } = options
  const clock = givenClock === undefined ? systemClock : new ContainedClock(givenClock)
  const inspect = inspectGiven(given)
  const inspectAll = senderFromEnvironment()?.inspect
  const inspectsWith = (one: Inspect | undefined) =>
    [one, inspectAll].filter((each) => each !== undefined)
  if (meter !== undefined) assertMeter(meter)
  const telemetry = meter === undefined ? null : new Telemetry(meter, clock)
  const services = new Services(storeAt(hosts, etcdOptions), clock, telemetry)
  const observers = new Observers(services.store, clock, services.uses)
  const onlookers: Onlookers = { inspects: inspectsWith(inspect), telemetry }

  const locker = (
    pathOrOptions: string | (NodeOptions & { readonly path: string }),
    maybeOptions?: NodeOptions,
  ): LockedNode => {
    const settings = nodeSettings(pathOrOptions, maybeOptions)
    const own = settings.inspect
    if (own === undefined) return new LockedNode(services, settings, onlookers)
    return new LockedNode(services, settings, { inspects: inspectsWith(own), telemetry })
  }
  function observe(path: string, options?: { readonly prefix?: false }): LockedPathObserver
  function observe(path: string, options?: ObserveOptions): LockedObserver
  function observe(path: string, options: ObserveOptions = {}): LockedObserver {
    assertObservable(path, options)
    return options.prefix ? observers.observePrefix(path) : observers.observePath(path)
  }
  const close = async () => {
    await Promise.all([services.stopAll(), observers.closeAll()])
  }
  const { machine } = services
  const candidates = async (path: string) => {
    assertPath(path)
    return await services.competitors({ path, ttl: DEFAULT_TTL })
  }
  return Object.assign(locker, {
    machine,
    observe,
    candidates,
    close,
    [Symbol.asyncDispose]: close,
  })
}

function storeAt(hosts: unknown, options: EtcdOptions): Store {
  if (typeof hosts === 'string' && hosts.startsWith('memory:')) {
    return memoryStoreNamed(hosts.slice('memory:'.length))
  }
  if (typeof hosts === 'string' || Array.isArray(hosts)) {
    return new EtcdStore(memberEndpoints(parseHosts(hosts), options))
  }
  if (typeof hosts === 'object' && hosts !== null) {
    if (isEtcdClient(hosts)) return new EtcdStore([clientEndpoint(hosts)])
    if (isEtcdjs(hosts)) return new EtcdjsStore(hosts)
    if (isStore(hosts)) return hosts
  }
  throw new TypeError(
    `hosts: expected hosts such as '127.0.0.1:2379', a list of them, an Etcd3 client, an etcdjs object, 'memory:' or a Store; was given ${describe(hosts)}`,
  )
}

function isStore(given: object): given is Store {
  const calls = [
    'grant',
    'renew',
    'revoke',
    'claim',
    'propose',
    'release',
    'read',
    'watch',
    'closeIdle',
  ]
  return calls.every((call) => typeof Reflect.get(given, call) === 'function')
}

function nodeSettings(pathOrOptions: unknown, maybeOptions: unknown) {
  const given = typeof pathOrOptions === 'string' ? (maybeOptions ?? {}) : pathOrOptions
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(
      `locker: expected (path, options) or ({ path, … }), was given ${describe(given)}`,
    )
  }
  assertKnownKeys('locker', given, NODE_OPTIONS)
  const options: Record<string, unknown> = { ...given }
  const path = typeof pathOrOptions === 'string' ? pathOrOptions : options.path
  const { id = madeUpId(), value, ttl = DEFAULT_TTL } = options
  assertPath(path)
  if (typeof id !== 'string') {
    throw new TypeError(`id: must be a string that is not empty, was given ${describe(id)}`)
  }
  if (id === '') throw new RangeError('id: must be a string that is not empty, was given ""')
  if (value === undefined) {
    throw new TypeError('value: must be given, as any JSON value; was given undefined')
  }
  assertJson(value)
  if (typeof ttl !== 'number') {
    throw new TypeError(`ttl: must be a number of seconds above 0, was given ${describe(ttl)}`)
  }
  if (!Number.isFinite(ttl) || ttl <= 0) {
    throw new RangeError(`ttl: must be a finite number of seconds above 0, was given ${ttl}`)
  }
  const inspect = inspectGiven(options.inspect)
  if (ttl > LONGEST_TTL) {
    throw new RangeError(
      `ttl: must be at most ${LONGEST_TTL} seconds, which is the most that etcd grants; was given ${ttl}`,
    )
  }
  return { path, id, value: structuredClone(value), ttl, inspect }
}

function assertObservable(path: unknown, options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`observe: options must be an object, was given ${describe(options)}`)
  }
  assertKnownKeys('observe', options, OBSERVE_OPTIONS)
  const { prefix = false }: Record<string, unknown> = { ...options }
  if (typeof prefix !== 'boolean') {
    throw new TypeError(`prefix: must be true or false, was given ${describe(prefix)}`)
  }
  // An empty prefix is that of all paths.
  if (!prefix || path !== '') assertPath(path)
}

function inspectGiven(given: unknown): Inspect | undefined {
  if (given === undefined || isInspect(given)) return given
  throw new TypeError(
    `inspect: must be a function or an observer with next(), such as createWebSocketInspector().inspect; was given ${describe(given)}`,
  )
}

function isInspect(given: unknown): given is Inspect {
  if (typeof given === 'function') return true
  return (
    typeof given === 'object' && given !== null && typeof Reflect.get(given, 'next') === 'function'
  )
}

function madeUpId(): string {
  return `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
}
