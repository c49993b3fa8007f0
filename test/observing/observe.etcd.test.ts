import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Etcd3 } from 'etcd3'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import locked, { type Locker, type LockerOptions } from '../../src/index.js'
import { servesV2 } from '../etcd/abilities.js'
import { etcdjs } from '../etcd/etcdjs.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { startRelay } from '../etcd/relay.js'
import { V2Operator } from '../etcd/v2-operator.js'
import { assertBuilt } from '../package/built.js'
import { patiently } from '../patience.js'
import { authOf, withUsers } from '../secure/users.js'
import { observedBy } from './observed.js'

/** How an observer reaches etcd, and what others do there by the same API. */
interface Api {
  readonly name: string
  locker(endpoint: string): Locker
  operator(endpoint: string): Operator
}

interface Operator {
  put(path: string, text: string): Promise<unknown>
  delete(path: string): Promise<unknown>
  /** Drops the history of all that has happened so far. */
  compact(): Promise<unknown>
  close(): void
}

const apis: readonly [Api, Api] = [
  {
    name: 'etcd v3',
    locker: (endpoint) => locked(endpoint),
    operator(endpoint) {
      const client = new Etcd3({ hosts: `http://${endpoint}` })
      return {
        put: (path, text) => client.put(path).value(text).exec(),
        delete: (path) => client.delete().key(path).exec(),
        async compact() {
          const { header } = await client.put('compacted').value('').exec()
          await client.kv.compact({ revision: header.revision, physical: true })
        },
        close: () => client.close(),
      }
    },
  },
  {
    name: 'etcd’s v2 API',
    locker: (endpoint) => locked(etcdjs([endpoint])),
    operator(endpoint) {
      const operator = new V2Operator(endpoint)
      return {
        put: (path, text) => operator.put(path, text),
        delete: (path) => operator.delete(path),
        compact: () => operator.compact(),
        close: () => undefined,
      }
    },
  },
]
const ways = [
  { name: 'a path', prefix: false },
  { name: 'a prefix', prefix: true },
] as const
/** Those that this etcd has. */
const served = apis.slice(0, servesV2() ? 2 : 1)
const table = served.flatMap((api) =>
  ways.map((way) => ({ api, way, title: `${api.name}, ${way.name}` })),
)

/** Others may not see what happens to its data. */
const OPTIONS = { own: true, enableV2: servesV2() } as const

let etcd: Etcd
let prefix: string
let path: string

beforeAll(async () => {
  etcd = await startEtcd(OPTIONS)
})

afterAll(() => etcd?.stop())

beforeEach(() => {
  prefix = `/${randomUUID()}/`
  path = `${prefix}path`
})

const record = (id: string) => JSON.stringify({ id, value: 1, instance: `instance of ${id}` })

function lockerAt(api: Api, endpoint: string): Locker {
  const locker = api.locker(endpoint)
  onTestFinished(() => locker.close())
  return locker
}

function operatorAt(api: Api, endpoint: string): Operator {
  const operator = api.operator(endpoint)
  onTestFinished(() => operator.close())
  return operator
}

async function relayTo(endpoint: string) {
  const relay = await startRelay(endpoint)
  onTestFinished(() => relay.stop())
  return relay
}

/** What an observer has told of the path and of others below the prefix; all of it, unless etcd was away. */
function observe(locker: Locker, isPrefix: boolean) {
  const observer = locker.observe(isPrefix ? prefix : path, { prefix: isPrefix })
  const told = observedBy(observer)
  return {
    observer,
    told,
    /** Without its troubles, which a busy machine has too. */
    get states() {
      return told.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length))
    },
    /** Resolves once it has told this, after so much else. */
    until: (what: string, after = 0) =>
      patiently(() => expect(told.slice(after)).toContain(what.replace(/^path/, path))),
    untilKnown: (after = 0) => patiently(() => expect(told.slice(after)).toContain('known')),
  }
}

describe.each(table)('$title', ({ api, way }) => {
  test('is told with each change of an election', async () => {
    const seen = observe(lockerAt(api, etcd.endpoint), way.prefix)
    const { observer, until, untilKnown } = seen
    await untilKnown()
    const nodes = lockerAt(api, etcd.endpoint)
    const [a, b] = ['a', 'b'].map((id) => nodes(path, { id, value: id }))
    if (a === undefined || b === undefined) throw new Error('two were asked for')
    await a.start()
    await until('path a="a"')
    expect(observer.holders.get(path)).toEqual(a.holder)
    a.propose('another')
    await until('path a="another"')
    await b.start()
    await a.stop()
    await until('path b="b"')
    // Either of them may hear of it first.
    await patiently(() => expect(b.isLeader).toBe(true))
    expect(observer.holders.get(path)).toEqual(b.holder)
    await b.stop()
    await patiently(() => expect(observer.holders.size).toBe(0))
    expect(seen.states.at(-1)).toBe('path vacant')
  })

  test('was told all that happened while its connection was cut', async () => {
    const relay = await relayTo(etcd.endpoint)
    const operator = operatorAt(api, etcd.endpoint)
    await operator.put(path, record('a'))
    const { told, until, untilKnown } = observe(lockerAt(api, relay.endpoint), way.prefix)
    await untilKnown()
    await relay.cut()
    await until('unreachable 1')
    await operator.delete(path)
    await operator.put(path, record('b'))
    const before = told.length
    await relay.heal()
    await untilKnown(before)
    await until('path b=1')
    await operator.put(path, record('c'))
    await until('path c=1')
  })

  test('is told how it is after its history was compacted', async () => {
    const relay = await relayTo(etcd.endpoint)
    const operator = operatorAt(api, etcd.endpoint)
    await operator.put(path, record('a'))
    const seen = observe(lockerAt(api, relay.endpoint), way.prefix)
    const { told, until, untilKnown } = seen
    await untilKnown()
    await relay.cut()
    await until('unreachable 1')
    await operator.put(path, record('between'))
    await operator.put(path, record('b'))
    await operator.compact()
    const before = told.length
    await relay.heal()
    await untilKnown(before)
    await until('path b=1')
    await operator.delete(path)
    await until('path vacant')
    expect(seen.states).toEqual(['path a=1', 'path b=1', 'path vacant'])
  })

  test.each(['same', 'another'] as const)(
    'of etcd that lost its data and is the %s cluster, is told what has changed',
    async (cluster) => {
      await using own = await startEtcd({ ...OPTIONS, replaceable: true })
      const operator = operatorAt(api, own.endpoint)
      // A later revision than what comes after.
      for (let time = 0; time < 20; time += 1) await operator.put(`${prefix}of others`, `${time}`)
      await operator.put(path, record('a'))
      const seen = observe(lockerAt(api, own.endpoint), way.prefix)
      await seen.untilKnown()
      await own.kill()
      await own.data.erase({ cluster })
      await own.start()
      await seen.until('path vacant')
      await operator.put(path, record('b'))
      await seen.until('path b=1')
      await operator.delete(path)
      await seen.until(
        'path vacant',
        seen.told.findIndex((one) => one.endsWith(' b=1')),
      )
      expect(seen.states.filter((one) => one.startsWith('path '))).toEqual([
        'path a=1',
        'path vacant',
        'path b=1',
        'path vacant',
      ])
    },
  )

  test('of a history that has grown beyond what was known of the one before, too', async () => {
    await using own = await startEtcd({ ...OPTIONS, replaceable: true })
    const relay = await relayTo(own.endpoint)
    const operator = operatorAt(api, own.endpoint)
    await operator.put(path, record('a'))
    const seen = observe(lockerAt(api, relay.endpoint), way.prefix)
    await seen.untilKnown()
    await relay.cut()
    await seen.until('unreachable 1')
    await own.kill()
    await own.data.erase()
    await own.start()
    await operator.put(path, record('b'))
    for (let time = 0; time < 50; time += 1) await operator.put('/elsewhere', `${time}`)
    await relay.heal()
    await seen.until('path b=1')
    await operator.put(path, record('c'))
    await seen.until('path c=1')
    expect(seen.states).toEqual(['path a=1', 'path b=1', 'path c=1'])
  })
})

describe.each(served)('a prefix on $name', (api) => {
  test('has all paths that begin so, and none of what stands beside them', async () => {
    const operator = operatorAt(api, etcd.endpoint)
    await operator.put(`${prefix}a/one`, record('a'))
    await operator.put(`${prefix}ab`, record('b'))
    await operator.put(`${prefix}other`, record('other'))
    await operator.put(`${prefix}a/.candidates/one`, record('c'))
    const observer = lockerAt(api, etcd.endpoint).observe(`${prefix}a`, { prefix: true })
    const told = observedBy(observer)
    await patiently(() => expect(told).toContain('known'))
    expect([...observer.holders.keys()].sort()).toEqual([`${prefix}a/one`, `${prefix}ab`])
    for (const name of ['two', '.reign', '.transfer']) {
      await operator.put(`${prefix}a/.candidates/${name}`, record('c'))
    }
    await operator.delete(`${prefix}a/.candidates/one`)
    await operator.put(`${prefix}a/last`, record('last'))
    await patiently(() => expect(told.at(-1)).toBe(`${prefix}a/last last=1`))
    expect(told.filter((one) => one !== 'known' && !one.startsWith('unreachable'))).toEqual(
      [`${prefix}a/one a=1`, `${prefix}ab b=1`, `${prefix}a/last last=1`].sort((one, other) =>
        told.indexOf(one) < told.indexOf(other) ? -1 : 1,
      ),
    )
  })
})

test.each(ways)(
  'etcd v3, restored from a backup: $name is told as it was then',
  async ({ prefix: isPrefix }) => {
    const [api] = apis
    await using own = await startEtcd({ own: true, replaceable: true })
    const operator = operatorAt(api, own.endpoint)
    await operator.put(path, record('a'))
    const backup = await own.data.save()
    await operator.put(path, record('b'))
    const seen = observe(lockerAt(api, own.endpoint), isPrefix)
    await seen.untilKnown()
    await own.kill()
    await own.data.restore(backup)
    await own.start()
    await seen.until('path a=1')
    await operator.put(path, record('c'))
    await seen.until('path c=1')
    expect(seen.states).toEqual(['path b=1', 'path a=1', 'path c=1'])
  },
)

describe.runIf(servesV2()).each(ways)('$name on etcd’s v2 API', ({ prefix: isPrefix }) => {
  test('goes on after its connection has frozen, of which nobody tells', async () => {
    const [, api] = apis
    const relay = await relayTo(etcd.endpoint)
    const operator = operatorAt(api, etcd.endpoint)
    await operator.put(path, record('a'))
    const { until, untilKnown } = observe(lockerAt(api, relay.endpoint), isPrefix)
    await untilKnown()
    relay.strand()
    await operator.put(path, record('b'))
    await until('path b=1')
    await operator.delete(path)
    await until('path vacant')
  })
})

test.runIf(servesV2())(
  'a directory of v2 that is deleted takes all its paths with it',
  async () => {
    const operator = new V2Operator(etcd.endpoint)
    const [, api] = apis
    await operator.put(`${prefix}a/one`, record('a'))
    await operator.put(`${prefix}a/b/two`, record('b'))
    await operator.put(`${prefix}stays`, record('c'))
    const observer = lockerAt(api, etcd.endpoint).observe(prefix, { prefix: true })
    const told = observedBy(observer)
    await patiently(() => expect(observer.holders.size).toBe(3))
    await fetch(`http://${etcd.endpoint}/v2/keys${prefix}a?recursive=true`, { method: 'DELETE' })
    await patiently(() => expect([...observer.holders.keys()]).toEqual([`${prefix}stays`]))
    expect(told).toContain(`${prefix}a/b/two vacant`)
  },
)

describe('on an etcd with users', () => {
  let guarded: Etcd

  beforeAll(async () => {
    guarded = await startEtcd({ own: true })
    const root = new Etcd3({ hosts: `http://${guarded.endpoint}` })
    await root.put('/some/path').value(record('a'))
    await root.put('/other').value(record('a'))
    const reader = await root.user('reader').create('secret of reader')
    const role = await root.role('reader').create()
    await role.grant({ permission: 'Read', range: root.range({ prefix: '/some/' }) })
    await role.grant({ permission: 'Read', range: root.range('/other') })
    await reader.addRole(role)
    await withUsers(root, { writer: { prefix: '/some/' } })
  })

  afterAll(() => guarded?.stop())

  function lockerOf(user: string, options: LockerOptions = {}) {
    const locker = locked(guarded.endpoint, { ...options, auth: authOf(user) })
    onTestFinished(() => locker.close())
    return locker
  }

  test.each([
    ['/some/', true],
    ['/some/path', false],
    ['/other', false],
  ])('permission to read is all that %s needs', async (at, isPrefix) => {
    const observer = lockerOf('reader').observe(at, { prefix: isPrefix })
    const told = observedBy(observer)
    await patiently(() => expect(told).toContain('known'))
    expect(observer.holders.size).toBe(1)
    if (at === '/other') return
    const node = lockerOf('writer')('/some/new', { id: 'b', value: 2 })
    await node.start()
    if (isPrefix) await patiently(() => expect(told).toContain('/some/new b=2'))
    await node.stop()
    expect(told.filter((one) => one.startsWith('error'))).toEqual([])
  })

  test.each([
    ['/', true],
    ['', true],
    ['/secret', false],
  ])('without permission %j is asked for again', async (at, isPrefix) => {
    const observer = lockerOf('reader').observe(at, { prefix: isPrefix })
    const errors: Error[] = []
    observer.on('error', (error) => errors.push(error))
    for (let attempts = 0; attempts < 2; attempts += 1) {
      const [error] = await once(observer, 'unreachable')
      expect(error).toMatchObject({ message: expect.stringMatching(/permission denied/) })
    }
    expect(errors).toEqual([])
  })
})

test.runIf(servesV2()).each(ways)(
  'on etcd’s v2 API, too, $name needs permission to read only',
  async (way) => {
    const [, api] = apis
    await using guarded = await startEtcd(OPTIONS)
    const operator = operatorAt(api, guarded.endpoint)
    await operator.put('/some/path', record('a'))
    const asRoot = { authorization: `Basic ${btoa('root:secret')}` }
    const manage = async (what: string, body?: unknown) => {
      const request = { method: 'PUT', headers: asRoot, body: body ? JSON.stringify(body) : null }
      const answer = await fetch(`http://${guarded.endpoint}/v2/auth/${what}`, request)
      expect(answer.status).toBeLessThan(300)
    }
    await manage('users/root', { user: 'root', password: 'secret' })
    await manage('enable')
    const all = { kv: { read: ['/*'], write: ['/*'] } }
    // The directory itself as well, which is what is read.
    const some = { kv: { read: ['/some*'], write: [] } }
    await manage('roles/guest', { role: 'guest', revoke: all, grant: some })
    const locker = lockerAt(api, guarded.endpoint)
    const observed = way.prefix ? '/some/' : '/some/path'
    const told = observedBy(locker.observe(observed, { prefix: way.prefix }))
    const vacant = observedBy(locker.observe('/some/vacant'))
    await patiently(() => expect([...told, ...vacant]).toContain('/some/vacant vacant'))
    await patiently(() => expect(told).toContain('/some/path a=1'))
    const url = `http://${guarded.endpoint}/v2/keys/some/path`
    await fetch(url, { method: 'DELETE', headers: asRoot })
    await patiently(() => expect(told).toContain('/some/path vacant'))
    const [error] = await once(locker.observe('/other'), 'error')
    expect(error).toMatchObject({ name: 'RefusedError' })
  },
)

describe('a process that only observes', () => {
  const script = fileURLToPath(new URL('observing.mjs', import.meta.url))

  beforeAll(assertBuilt)

  test.each([
    ['etcd', 'a path', 'path'],
    ['etcd', 'a prefix', 'prefix'],
    ['memory:', 'a path', 'path'],
    ['memory:', 'a prefix', 'prefix'],
  ])('on %s, %s, lives until it is closed, and then ends by itself', async (where, _, what) => {
    const hosts = where === 'etcd' ? etcd.endpoint : where
    const child = spawn(process.execPath, [script, hosts, path, what], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    // Nothing else happens there: one that does not live on ends now.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(child.exitCode).toBe(null)
    child.stdin.end()
    expect(await exited).toEqual([0, null])
  })
})
