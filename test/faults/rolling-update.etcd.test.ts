import { describe, expect } from 'vitest'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { PathWatch } from './path-watch.js'
import { type Scene, test } from './scene.js'

/**
 * In which order the old ones are replaced: `a` leads, and the others wait in the order of their names.
 * `npm run rolling-update -- --orders 120` takes all.
 */
const ORDERS = ['abcde', 'edcba']
/** So long that no session ends, and no renewal is missed, however busy the machine is. */
const AMPLE_TTL = 120

describe('five processes are replaced one after the other, and leadership moves once', () => {
  test.for(ORDERS)('in the order %s', async (order, { scene }) => {
    await scene.startEtcd()
    scene.ttl = AMPLE_TTL
    const watch = await PathWatch.of(scene)
    const old = new Map<string, Competitor>()
    for (const name of [...order].sort()) old.set(name, await join(scene, name))

    for (const name of order) {
      // Once it has started, it waits.
      await join(scene, `new ${name}`)
      await old.get(name)?.stop()
      await old.get(name)?.kill()
    }

    const others = scene.competitors.filter((one) => ![...old.values()].includes(one))
    const { leader, told } = await scene.elected({ after: 0, among: others })
    await leader.until('work', { timeoutMs: PATIENCE_MS })
    // It is the one that came last when the first was told to stop.
    expect(namesOf(scene, 'select')).toEqual(['a', 'new a'])
    // Work does not begin twice at once: that of the second comes after the first has ended its own.
    expect(namesOf(scene, 'work')).toEqual(['a', leader.name])
    const [worked] = scene.competitors[0]?.all('worked') ?? []
    const [works] = leader.all('work')
    expect(worked?.at).toBeLessThanOrEqual(works?.at ?? 0)
    if (!('token' in told)) throw new Error('a select tells a token')
    await watch.until(Number(told.token))
    expect(watch.deleted).toEqual([])
    expect(watch.written).toHaveLength(2)
    expect(scene.competitors.flatMap((one) => one.all('vacant'))).toEqual([])
    await watch.end()
  })
})

async function join(scene: Scene, name: string): Promise<Competitor> {
  const competitor = await scene.launch(name)
  await competitor.call('lead')
  await competitor.start()
  return competitor
}

/** Of whom this was told, in the order in which it was. */
function namesOf(scene: Scene, kind: string): readonly string[] {
  return scene.competitors
    .flatMap((one) => one.all(kind).map(({ at }) => ({ at, name: one.name })))
    .sort((one, other) => one.at - other.at)
    .map(({ name }) => name)
}
