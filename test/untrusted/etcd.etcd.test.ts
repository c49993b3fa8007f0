import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { Board } from '../../src/dashboard/board.js'
import { PathSource } from '../../src/dashboard/path-source.js'
import type { PathHolder } from '../../src/dashboard/protocol.js'
import { shortened, shortenedValue } from '../../src/dashboard/shortened.js'
import { locked } from '../../src/index.js'
import { holderFrom } from '../../src/record.js'
import { memberEndpoint } from '../../src/stores/etcd/connection/endpoint.js'
import { PrefixObserver } from '../../src/stores/etcd/streams/prefix-observer.js'
import { canonicalJson } from '../../verification/history/canonical-json.js'
import { RunningCommand } from '../cli/command.js'
import { everythingOf } from '../dashboard/everything.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { PATIENCE_MS } from '../patience.js'
import { anything } from './anything.js'

const COUNT = 40
const WAIT = { timeout: PATIENCE_MS, interval: 500 }

let etcd: Etcd
let client: Etcd3

beforeAll(async () => {
  etcd = await startEtcd()
  client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
})

afterAll(async () => {
  client?.close()
  await etcd?.stop()
})

function run(...args: readonly string[]): RunningCommand {
  const command = RunningCommand.lockedIn({ ETCDCTL_ENDPOINTS: etcd.endpoint }, ...args)
  onTestFinished(() => command[Symbol.dispose]())
  return command
}

test('whatever is written over records, everybody who reads them goes on', async () => {
  const prefix = `/${randomUUID()}/`
  const written = new Map(
    fc.sample(anything(), COUNT).map((bytes, index) => [`${prefix}${index}`, bytes]),
  )
  // A megabyte of brackets, and of text.
  written.set(`${prefix}brackets`, Buffer.from('['.repeat(500_000) + ']'.repeat(500_000)))
  const long = { id: 'evil', instance: 'x', value: 'long'.repeat(200_000) }
  written.set(`${prefix}long`, Buffer.from(JSON.stringify(long)))
  const paths = [...written.keys()]
  const lockers = ['a', 'b'].map((id) => ({ id, locker: locked(etcd.endpoint) }))
  onTestFinished(async () => {
    await Promise.all(lockers.map(({ locker }) => locker.close()))
  })
  const nodes = lockers.flatMap(({ id, locker }) =>
    paths.map((path) => locker(path, { id, value: id, ttl: 5 })),
  )
  const errors: Error[] = []
  for (const node of nodes) node.on('error', (error) => errors.push(error))
  await Promise.all(nodes.map((node) => node.start()))
  const leadersOf = (path: string) =>
    nodes.filter((one) => one.path === path && one.isLeader).length
  expect(paths.map(leadersOf)).toEqual(paths.map(() => 1))

  const observe = run('observe', '--prefix', prefix, '--json')
  const some = run('observe', ...paths.slice(0, 10), '--json')
  const board = new Board()
  const source = new PathSource(board, { id: 'etcd', kind: 'etcd', name: 'etcd' })
  const watch = new PrefixObserver(
    [memberEndpoint({ secure: false, address: etcd.endpoint }, {})],
    prefix,
    {
      seen: (path, sighting) => source.seen(path, sighting),
      known: () => source.connected(),
      retrying: () => undefined,
      recovered: () => undefined,
      refused: (error) => errors.push(error),
    },
  )
  onTestFinished(() => {
    watch.close()
    board.close()
  })
  await observe.until('the prefix', () => (latestOf(observe).size === paths.length ? true : null))
  await some.until('the paths', () => (latestOf(some).size === 10 ? true : null))

  for (const [path, bytes] of written) await client.put(path).value(bytes)
  // What is expected, and what is known, by whom; the values themselves are too long to be told.
  const holders = new Map(
    [...written].map(([path, bytes]) => {
      const holder = holderFrom({ text: bytes.toString(), token: 0, revision: 0, lease: null })
      return [path, holder] as const
    }),
  )
  /** The dashboard keeps of a value what it shows. */
  const isShown = (path: string, given: PathHolder | null | undefined) => {
    const holder = holders.get(path)
    if (holder === undefined || given == null) return false
    const id = holder.id === null ? null : shortened(holder.id, 200)
    return given.id === id && isSameJson(given.value, shortenedValue(holder.value, 2_000))
  }
  const isKnown = (path: string, given: unknown) => {
    const holder = holders.get(path)
    if (holder === undefined || typeof given !== 'object' || given === null) return false
    const value: unknown = Reflect.get(given, 'value')
    const isSameId = Reflect.get(given, 'id') === holder.id
    const isSame =
      typeof value === 'string' ? value === holder.value : isSameJson(value, holder.value)
    return isSameId && isSame
  }
  await vi.waitFor(() => {
    const ignorant: string[] = []
    const { paths: shown } = everythingOf(board)
    const printed = [observe, some].map(latestOf)
    for (const path of paths) {
      if (leadersOf(path) > 0) ignorant.push(`${path} has a leader`)
      // Of a holder that stands down nobody need hear any more.
      if (holders.get(path)?.released) continue
      for (const node of nodes.filter((one) => one.path === path)) {
        if (!isKnown(path, node.holder)) ignorant.push(`${path}: a node that is ${node.state}`)
      }
      const onBoard = shown.find((one) => one.path === path)
      if (!isShown(path, onBoard?.holder)) ignorant.push(`${path}: the dashboard`)
      for (const latest of printed) {
        const isAsked = latest.has(path) || latest === printed[0]
        if (isAsked && !isKnown(path, latest.get(path))) ignorant.push(`${path}: locked observe`)
      }
    }
    expect(ignorant).toEqual([])
  }, WAIT)
  expect(latestOf(some).size).toBe(10)
  for (const path of [`${prefix}0`, `${prefix}1`, `${prefix}brackets`, `${prefix}long`]) {
    const get = run('get', path, '--json')
    expect(await get.exited).toBe(0)
    expect(isKnown(path, JSON.parse(get.stdout))).toBe(true)
  }

  await client.delete().prefix(prefix)
  await vi.waitFor(() => expect(paths.map(leadersOf)).toEqual(paths.map(() => 1)), WAIT)
  expect(errors).toEqual([])
  expect(nodes.map(({ actor }) => actor.getSnapshot().status)).not.toContain('error')
  // A busy machine may have had them wait for etcd, and no more than that.
  expect(observe.stderr + some.stderr).not.toMatch(/error/i)
}, 180_000)

interface Line {
  readonly path: string
  readonly holder: unknown
}

/** The latest holder that was printed, by path. */
function latestOf({ stdout }: RunningCommand): ReadonlyMap<string, unknown> {
  const lines = stdout.split('\n').slice(0, -1)
  return new Map(
    lines.map((line) => {
      const { path, holder }: Line = JSON.parse(line)
      return [path, holder]
    }),
  )
}

function isSameJson(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other)
}
