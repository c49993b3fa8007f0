import { randomUUID } from 'node:crypto'
import { Etcd3 } from 'etcd3'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ClusterData } from '../etcd/data.js'
import { type Etcd, startEtcd } from '../etcd/index.js'
import { type Relay, startRelay } from '../etcd/relay.js'
import { PATIENCE_MS } from '../patience.js'
import { RunningCommand } from './command.js'
import { holderShownBy } from './dashboard-holder.js'

/** What stands at a path, as it is read by somebody who does not compete. `null` is vacant. */
interface Reader {
  readonly title: string
  /** Returns what it says now; `undefined` when it has said nothing. */
  read(endpoint: string, path: string): Promise<() => unknown>
}

const readers: readonly Reader[] = [
  {
    title: 'locked observe of a path',
    read: (endpoint, path) => observe(endpoint, path, [path]),
  },
  {
    title: 'locked observe of a prefix',
    read: (endpoint, path) => observe(endpoint, path, ['--prefix', prefixOf(path)]),
  },
  {
    title: 'the dashboard',
    read: (endpoint, path) => openDashboard(endpoint, path),
  },
]

/** A way in which etcd comes to another history, and what stands at the path in it. */
interface Way {
  readonly title: string
  readonly outcome: string | null
  /** Whether the reader is kept from etcd until the new history has grown beyond the old one. */
  readonly grows?: true
  replace(data: ClusterData): Promise<void>
}

describe.each(readers)('$title', (reader) => {
  const erasures: readonly Way[] = (['same', 'another'] as const).flatMap((cluster) => [
    {
      title: `lost its data and is ${cluster === 'same' ? 'the same' : 'another'} cluster`,
      outcome: null,
      replace: (data) => data.erase({ cluster }),
    },
    {
      title: `lost its data, is ${cluster === 'same' ? 'the same' : 'another'} cluster and has grown beyond`,
      outcome: 'new',
      grows: true,
      replace: (data) => data.erase({ cluster }),
    },
  ])

  for (const way of erasures) {
    test(`tells what is so once etcd ${way.title}`, async () => {
      const scene = await begin(reader)
      await expectToTell(scene, way)
    })
  }

  for (const cluster of ['same', 'another'] as const) {
    const title = `tells what is so once etcd was restored and is ${cluster} cluster`
    test(title.replace('same', 'the same'), async () => {
      const scene = await begin(reader)
      const { data } = scene.etcd
      await scene.put(scene.path, 'older')
      await fill(scene, 5)
      const backup = await data.save()
      await scene.put(scene.path, 'held')
      const replace = () => data.restore(backup, { cluster })
      await expectToTell(scene, { title, outcome: 'older', replace })
    })
  }

  const title = 'tells what is so once etcd was restored with a higher revision'
  test(title, async () => {
    const scene = await begin(reader, { version: '3.5' })
    const { data } = scene.etcd
    await scene.put(scene.path, 'older')
    const backup = await data.save()
    await scene.put(scene.path, 'held')
    const replace = () => data.restore(backup, { bumpBy: 10_000 })
    await expectToTell(scene, { title, outcome: 'older', replace })
  })
})

interface ReaderScene {
  readonly etcd: Etcd
  readonly relay: Relay
  readonly path: string
  readonly put: (key: string, value: string) => Promise<unknown>
  readonly drop: (key: string) => Promise<unknown>
  readonly saying: () => unknown
}

async function begin(
  { read }: Reader,
  options: { readonly version?: string } = {},
): Promise<ReaderScene> {
  const path = `/${randomUUID()}/path`
  const etcd = await startEtcd({ replaceable: true, ...options })
  onTestFinished(etcd.stop)
  const relay = await startRelay(etcd.endpoint)
  onTestFinished(() => relay.stop())
  const client = new Etcd3({ hosts: `http://${etcd.endpoint}` })
  onTestFinished(() => client.close())
  const put = (key: string, value: string) => client.put(key).value(value).exec()
  await put(path, 'held')
  const saying = await read(relay.endpoint, path)
  await expect.poll(saying, { timeout: PATIENCE_MS }).toBe('held')
  return { etcd, relay, path, put, drop: (key) => client.delete().key(key).exec(), saying }
}

/** What stands there in the new history is told, and so is what happens in it. */
async function expectToTell(scene: ReaderScene, way: Way): Promise<void> {
  const { etcd, relay, path, put, drop, saying } = scene
  await fill(scene, 40)
  await expect.poll(saying, { timeout: PATIENCE_MS }).toBe('held')
  if (way.grows) await relay.cut()
  await etcd.kill()
  await way.replace(etcd.data)
  await etcd.start()
  if (way.grows) {
    await put(path, 'new')
    await fill(scene, 100)
    await relay.heal()
  }
  await expect.poll(saying, { timeout: PATIENCE_MS }).toBe(way.outcome)
  await put(path, 'after')
  await expect.poll(saying, { timeout: PATIENCE_MS }).toBe('after')
  await drop(path)
  await expect.poll(saying, { timeout: PATIENCE_MS }).toBeNull()
}

async function fill({ put }: Pick<ReaderScene, 'put'>, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await put('elsewhere', `${time}`)
}

async function observe(
  endpoint: string,
  path: string,
  what: readonly string[],
): Promise<() => unknown> {
  const command = RunningCommand.locked('observe', '--json', '--endpoints', endpoint, ...what)
  onTestFinished(() => command[Symbol.dispose]())
  return () => {
    const lines = command.stdout.split('\n').slice(0, -1)
    const told = lines.map((line) => JSON.parse(line)).filter((line) => line.path === path)
    return told.length === 0 ? undefined : (told.at(-1).holder?.value ?? null)
  }
}

async function openDashboard(endpoint: string, path: string): Promise<() => unknown> {
  const command = RunningCommand.locked('dashboard', '--endpoints', endpoint, '--port', '0')
  onTestFinished(() => command[Symbol.dispose]())
  const holder = await holderShownBy(command, path)
  return () => {
    const shown = holder()
    return shown === undefined ? undefined : (shown?.value ?? null)
  }
}

function prefixOf(path: string): string {
  return path.replace(/[^/]*$/, '')
}
