import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import { type Competitor, isKind } from './competitor.js'
import type { Moment } from './moments.js'
import { saveEmpty, type Way } from './replacing.js'
import { leaderWithinMs, type Replaced, type Scene } from './scene.js'
import { launchIn, type Topology } from './topologies.js'

/**
 * In which a client reaches an etcd that is back: it pauses for half a second at most between two tries,
 * and each of them may take a moment. Time for which processes had to wait is added.
 */
const RECONNECT_MS = 2_000

/** Has etcd's history replaced in this way at this moment, and looks at what the nodes make of it. */
export async function replaceUnder(
  scene: Scene,
  way: Way,
  topology: Topology,
  moment: Moment,
): Promise<void> {
  scene.ttl = 8
  const { version } = way
  await scene.startEtcd(topology.size, { replaceable: true, ...(version && { version }) })
  await saveEmpty(scene)
  const [a, b, c, fresh] = await Promise.all(
    ['a', 'b', 'c', 'fresh'].map((name) => launchIn(topology, scene, name)),
  )
  if (!a || !b || !c || !fresh) throw new Error('four were asked for')
  for (const node of [a, b]) await node.start()
  const replace = await way.prepare(scene, a, b)
  await c.start()
  const thaw = await moment.begin(scene, c)

  const started = scene.competitors.filter((node) => node !== fresh && isCompeting(node))
  const everyone = [...started, fresh]
  const before = highestToken(started)
  const { unseen } = way
  const replaced = await scene.replaceHistory(
    async (data) => {
      await thaw()
      if (unseen !== undefined) await Promise.all(everyone.map((node) => node.cut()))
      await replace(data)
    },
    {
      ...(unseen && {
        unseen: async () => {
          await unseen(scene)
          await Promise.all(everyone.map((node) => node.heal()))
        },
      }),
    },
  )
  await fresh.start()
  await expectOneLeader(scene, everyone, replaced)
  if (way.isProvable) expectReset(scene, started, replaced)
  // Who is quick is elected before etcd says that it is healthy.
  if (way.tokensGrow) expect(highestToken(everyone, replaced.until)).toBeGreaterThan(before)
}

/** There is a leader in time, all know it, and it goes on; nothing was restarted. */
export async function expectOneLeader(
  scene: Scene,
  nodes: readonly Competitor[],
  { at }: Pick<Replaced, 'at'>,
): Promise<void> {
  const promisedMs = leaderWithinMs(scene.ttl)
  const agreement = async () => {
    const leaders = nodes.filter(({ leadership }) => leadership !== null)
    const told = await Promise.all(
      nodes.flatMap((node) => [holderAsTold(node), holderAsAsked(node)]),
    )
    return leaders.length === 1 && told.every((id) => id === leaders[0]?.settings.id)
      ? 'all agree'
      : `leaders ${leaders.map(({ name }) => name)}; ${nodes.map(({ name }) => name)} say ${told}`
  }
  const agree = () =>
    expect.poll(agreement, { timeout: PATIENCE_MS, interval: 100 }).toBe('all agree')
  await agree()
  let led = await scene.led()
  if (led.at < at) {
    // A backup may name one who leads since before, and who has not heard of it yet.
    await sleep(scene.ttl * 1_000)
    await agree()
    led = await scene.led()
  }
  scene.expectInTime(led.at, at, promisedMs)
  await sleep(scene.ttl * 1_000)
  expect(await agreement()).toBe('all agree')
  expect((await scene.led()).leader).toBe(led.leader)
  expect(nodes.filter(({ isRunning }) => !isRunning)).toEqual([])
}

/**
 * Whoever led when the history was replaced was told so, unless its session ran out before it could
 * have opened a connection to the new one.
 */
function expectReset(
  scene: Scene,
  nodes: readonly Competitor[],
  { since, until, at }: Replaced,
): void {
  for (const node of nodes) {
    const elections = node.all('select').filter((select) => select.at <= until)
    const last = elections.at(-1)
    if (last === undefined) continue
    const [end] = node.all('deselect', last.at)
    expect(end, `${node.name} led on`).toBeDefined()
    if (end === undefined || end.at < since) continue
    const connectedAt = at + RECONNECT_MS + scene.starvedMs(at, Math.max(at, end.at))
    const reasons: readonly unknown[] = end.at < connectedAt ? ['reset', 'expired'] : ['reset']
    const when = `${node.name}, ${end.at - at} ms after etcd was back`
    expect(reasons, when).toContain('reason' in end ? end.reason : null)
  }
}

function isCompeting(node: Competitor): boolean {
  const last = node.told.findLast((told) => isKind(told, 'start') || isKind(told, 'stop'))
  return node.isRunning && last !== undefined && isKind(last, 'start')
}

function highestToken(nodes: readonly Competitor[], after = 0): number {
  const selects = nodes.flatMap((node) => node.all('select', after))
  return Math.max(0, ...selects.map((select) => ('token' in select ? Number(select.token) : 0)))
}

async function holderAsTold(node: Competitor): Promise<unknown> {
  const state = await node.call('state')
  return typeof state === 'object' && state !== null && 'holder' in state ? state.holder : null
}

async function holderAsAsked(node: Competitor): Promise<unknown> {
  return await node.call('id').catch((error: unknown) => `${error}`)
}
