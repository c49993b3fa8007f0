import { describe, expect, onTestFinished } from 'vitest'
import { type LockedNode, type Locker, locked } from '../../src/index.js'
import { RunningCommand } from '../cli/command.js'
import type { Competitor } from '../faults/competitor.js'
import { now } from '../faults/now.js'
import { leaderWithinMs, type Scene, test } from '../faults/scene.js'
import { patiently } from '../patience.js'

const NODES = 500
/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = 120

describe('candidates()', () => {
  test(`lists ${NODES} nodes in the order in which they came, from every side`, async ({
    scene,
  }) => {
    const { path } = scene
    await scene.startEtcd()
    const locker = lockerOn(scene)
    const nodes = await startedOn(locker, path)
    const listed = await locker.candidates(path)
    expect(listed.map(({ id }) => id)).toEqual(nodes.map((_, index) => `node ${index}`))
    expect(listed.map(({ value }) => value)).toEqual(nodes.map((_, index) => index))
    const since = listed.map((one) => one.since)
    expect(since).toEqual([...new Set(since)].sort((one, other) => Number(one - other)))
    expect(since[0]).toBe(nodes[0]?.token)
    expect(listed.map(({ isHolder }) => isHolder)).toEqual(nodes.map((_, index) => index === 0))

    expect(await nodes[0]?.candidates()).toEqual(listed)
    expect(await nodes.at(-1)?.candidates()).toEqual(listed)
    const shown = JSON.parse(await printed(scene, '--json'))
    expect(shown).toEqual(listed.map((one) => ({ ...one, since: Number(one.since) })))
    const [heading, ...lines] = (await printed(scene)).trimEnd().split('\n')
    expect(heading).toMatch(/^ +id +is +since +value$/)
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual(
      listed.map((one, at) => [
        `${at + 1}`,
        `"${one.id}"`,
        one.isHolder ? 'holder' : 'candidate',
        `${one.since}`,
        `${one.value}`,
      ]),
    )
  })

  const ends: Readonly<Record<string, (one: Competitor) => Promise<void> | void>> = {
    'whose process is killed': (one) => one.kill(),
    'whose session expires': (one) => one.freeze(),
  }
  for (const [which, end] of Object.entries(ends)) {
    test(`is without one ${which} within ttl + 3 s`, async ({ scene }) => {
      scene.ttl = 4
      await scene.startEtcd()
      const other = { ttl: AMPLE_TTL }
      const [first, gone, last] = [
        await scene.launch('a', other),
        await scene.launch('b'),
        await scene.launch('c', other),
      ]
      for (const one of [first, gone, last]) await one.start()
      const locker = lockerOn(scene)
      const ids = async () => (await locker.candidates(scene.path)).map(({ id }) => id)
      expect(await ids()).toEqual(['a', 'b', 'c'])
      // Whatever it has sent before may have renewed its session.
      await end(gone)
      const goneAt = now()
      await patiently(async () => expect(await ids()).toEqual(['a', 'c']))
      scene.expectInTime(now(), goneAt, leaderWithinMs(scene.ttl))
      if (!gone.isRunning) return
      await gone.heal()
      // It comes back as the last.
      await patiently(async () => expect(await ids()).toEqual(['a', 'c', 'b']))
    })
  }
})

function lockerOn(scene: Scene): Locker {
  const locker = locked([...scene.cluster.endpoints])
  onTestFinished(() => locker.close())
  return locker
}

/** One after the other, so that their order is known. */
async function startedOn(locker: Locker, path: string): Promise<readonly LockedNode[]> {
  const nodes = []
  for (let index = 0; index < NODES; index += 1) {
    const node = locker(path, { id: `node ${index}`, value: index, ttl: AMPLE_TTL })
    await node.start()
    nodes.push(node)
  }
  return nodes
}

/** What `locked candidates` prints. */
async function printed(scene: Scene, ...flags: readonly string[]): Promise<string> {
  const env = {
    ETCDCTL_ENDPOINTS: scene.cluster.endpoints.join(','),
    ETCDCTL_COMMAND_TIMEOUT: '100s',
  }
  const command = RunningCommand.lockedIn(env, 'candidates', scene.path, ...flags)
  onTestFinished(() => command[Symbol.dispose]())
  expect(await command.exited).toBe(0)
  return command.stdout
}
