import { warnOfPlainPassword } from '../etcd/connection/plain-password.js'
import type { Call } from '../store.js'
import type { Head } from './history.js'

/** What etcdjs calls back with. */
type Done = (error: unknown, body?: unknown) => void

interface SetOptions {
  readonly ttl?: number
  readonly prevExist?: boolean
  readonly prevIndex?: number
}

interface GetOptions {
  readonly recursive?: boolean
  readonly wait?: boolean
  readonly waitIndex?: number
}

interface DeleteOptions {
  readonly prevIndex?: number
  readonly prevValue?: string
}

/** An etcdjs object, as far as an election needs it. It speaks etcd’s v2 API. */
export interface Etcdjs {
  /** Writes a key. */
  set(key: string, value: string, options: SetOptions, done: Done): void
  /** Returns what ends the request. */
  get(key: string, options: GetOptions, done: Done): () => void
  /** Deletes a key. */
  del(key: string, options: DeleteOptions, done: Done): void
}

/** A request of etcdjs’s that can be ended. */
export interface Request {
  abort(): void
  /** Called with the answer’s head, before its body has come. */
  once(event: 'response', listener: (response: unknown) => void): unknown
  readonly timeoutTimer?: NodeJS.Timeout | null
}

const CALLS = ['set', 'get', 'del', 'wait', 'compareAndSwap', 'compareAndDelete', 'machines']

/** Recognised by what it can do, from whichever copy of the package. */
export function isEtcdjs(given: object): given is Etcdjs {
  return CALLS.every((call) => typeof Reflect.get(given, call) === 'function')
}

/** @throws TypeError when etcdjs was given several hosts in one string, which it takes for one host. */
export function assertHostsAreSplit(client: Etcdjs): void {
  const joined = hostsOf(client).find((host) => host.includes(','))
  if (joined === undefined) return
  const list = joined
    .split(',')
    .map((host) => `'${withoutCredentials(host.trim())}'`)
    .join(', ')
  throw new TypeError(
    `hosts: this etcdjs object takes several hosts for one, because etcdjs does not split a comma-separated string; give it a list: etcdjs([${list}])`,
  )
}

/** Warns when a user and a password stand in the address of a host that is reached by plain http. */
export function warnOfPlainPasswords(client: Etcdjs): void {
  for (const host of hostsOf(client)) {
    if (!URL.canParse(host)) continue
    const { protocol, password, hostname } = new URL(host)
    if (protocol === 'http:' && password !== '') {
      warnOfPlainPassword(
        hostname.replace(/^\[(.*)\]$/, '$1'),
        'give etcdjs an https:// address of that host',
      )
    }
  }
}

/** How many hosts it goes to in turn. */
export function hostCountOf(client: Etcdjs): number {
  return Math.max(1, hostsOf(client).length)
}

/**
 * The same object for one request only: as long as the request may last, etcdjs does not repeat it
 * unseen on other hosts (a write could be repeated long after it was given up), its values are not
 * encoded twice where the user has set `json`, and it can be ended, which `set` and `del` have no
 * way for. The user’s own object is left as it is.
 */
export function viewOf(client: Etcdjs, requests: Request[], { timeoutMs }: Call): Etcdjs {
  const settings = { _hosts: [], _json: false, _requests: requests, _timeout: Math.ceil(timeoutMs) }
  const view: Etcdjs = Object.create(client, Object.getOwnPropertyDescriptors(settings))
  return view
}

/** Ends requests for good; nothing of them is called back. */
export function endAll(requests: readonly Request[]): void {
  for (const request of requests) {
    // etcdjs’s own `destroy` clears it too: otherwise it keeps the process.
    clearTimeout(request.timeoutTimer ?? undefined)
    request.abort()
  }
}

/**
 * Calls back with what the answer’s head says, before its body is called back with. etcdjs itself
 * keeps the head to itself. `request` is the one that it has just made, if it has.
 */
export function onHead(request: Request | undefined, hear: (head: Head) => void): void {
  request?.once('response', (response) => {
    const headers: unknown =
      typeof response === 'object' && response !== null && Reflect.get(response, 'headers')
    if (typeof headers !== 'object' || headers === null) return
    const clusterId: unknown = Reflect.get(headers, 'x-etcd-cluster-id')
    const index = Number(Reflect.get(headers, 'x-etcd-index') ?? Number.NaN)
    hear({
      clusterId: typeof clusterId === 'string' ? clusterId : null,
      // Of an error it may be 0, which says nothing.
      index: Number.isSafeInteger(index) && index > 0 ? index : null,
    })
  })
}

function hostsOf(client: Etcdjs): readonly string[] {
  const hosts: unknown = Reflect.get(client, '_hosts')
  return Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : []
}

function withoutCredentials(host: string): string {
  return host.replace(/^\w+:\/\//, '').replace(/^.*@/, '')
}
