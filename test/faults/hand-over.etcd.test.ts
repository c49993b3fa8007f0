import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import { PathWatch } from './path-watch.js'
import { type Scene, test } from './scene.js'
import { tokenOf } from './token.js'

/** 500 are what is promised. */
const STOPS = Number(process.env.LOCKED_TEST_STOPS ?? 60)
/** So long that no session ends, however busy the machine is. */
const AMPLE_TTL = 120
/** After so long, in milliseconds, a leader has asked who waits. */
const SETTLED_MS = 1_500
/** How long what is sent takes to one that is far away, in milliseconds, each way. */
const FAR_MS = 350

describe(`${STOPS} leaders that stop one after the other`, () => {
  test('hand over to who waits: never vacant, a token of its own for each, and never two', async ({
    scene,
  }) => {
    const watch = await begin(scene, 'a', 'b', 'c')
    for (let stops = 0; stops < STOPS; stops += 1) {
      const { leader } = await scene.led()
      const stoppedAt = now()
      await leader.stop()
      await scene.elected({ after: stoppedAt })
      // From here on it waits itself: whoever is told that another leads has entered.
      await leader.start()
    }
    const { told } = await scene.led()
    expectOneTransactionEach(scene, STOPS + 1)
    await watch.until(tokenOf(told))
    expect(watch.deleted).toEqual([])
    expect(watch.written).toEqual(tokensOf(scene))
    expect(scene.competitors.flatMap((one) => one.all('vacant'))).toEqual([])
    await watch.end()
  })

  test('hand over in turns with what is proposed and transferred: the same', async ({ scene }) => {
    const watch = await begin(scene, 'a', 'b', 'c')
    for (let stops = 0; stops < STOPS; stops += 1) {
      const { leader, told } = await scene.led()
      await leader.call('propose', { value: `proposal ${stops}` })
      const movedAt = now()
      if (stops % 2 === 0) {
        await leader.call('transfer')
      } else {
        await leader.stop()
        await leader.start()
      }
      const elected = await scene.elected({ after: movedAt })
      expect(tokenOf(elected.told)).toBeGreaterThan(tokenOf(told))
    }
    const { told } = await scene.led()
    await watch.until(tokenOf(told))
    expect(watch.deleted).toEqual([])
    expect(watch.written).toEqual(expect.arrayContaining(tokensOf(scene)))
    expect(new Set(tokensOf(scene)).size).toBe(STOPS + 1)
    await watch.end()
  })
})

describe('a leader that is told late of who comes', () => {
  for (const waiting of [[], ['b']]) {
    test(`hands over to whoever came last, where ${waiting.length} waited before`, async ({
      scene,
    }) => {
      const watch = await begin(scene, 'a', ...waiting)
      const { leader } = await scene.led()
      // It has begun to keep in mind who waits.
      await sleep(SETTLED_MS)
      leader.freeze()
      const last = await scene.launch('c')
      await last.start()
      const stopping = leader.stop()
      // What it asks for is on its way.
      await sleep(100)
      await leader.heal()
      await stopping
      const told = await last.until('select', { timeoutMs: PATIENCE_MS })
      await watch.until(tokenOf(told))
      expect(watch.deleted).toEqual([])
      expect(watch.written).toEqual(tokensOf(scene))
      expect(tokensOf(scene)).toHaveLength(2)
      await watch.end()
    })
  }
})

describe('a leader that is far from etcd', () => {
  for (const settledMs of [SETTLED_MS + 4 * FAR_MS, 0]) {
    test(`hands over ${settledMs} ms after the last has come: never vacant`, async ({ scene }) => {
      const watch = await begin(scene)
      const leader = await scene.launch('a')
      leader.delay(FAR_MS)
      await leader.start()
      const [, last] = await scene.join('b', 'c')
      await sleep(settledMs)
      await leader.stop()
      const told = await last?.until('select', { timeoutMs: PATIENCE_MS })
      await watch.until(tokenOf(told ?? {}))
      expect(watch.deleted).toEqual([])
      expect(watch.written).toEqual(tokensOf(scene))
      await watch.end()
    })
  }
})

/** They wait in the order of their names. */
async function begin(scene: Scene, ...names: readonly string[]): Promise<PathWatch> {
  await scene.startEtcd()
  scene.ttl = AMPLE_TTL
  const watch = await PathWatch.of(scene)
  if (names.length > 0) await scene.lead(...names)
  return watch
}

function expectOneTransactionEach(scene: Scene, count: number): void {
  const tokens = tokensOf(scene)
  expect(tokens).toHaveLength(count)
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
}

/** Of all that were selected, in the order in which they were. */
function tokensOf(scene: Scene): number[] {
  return scene.competitors
    .flatMap((competitor: Competitor) => competitor.all('select'))
    .sort((one, other) => one.at - other.at)
    .map(tokenOf)
}
