import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '../patience.js'
import type { Competitor } from './competitor.js'
import { now } from './now.js'
import type { Scene } from './scene.js'

/** What is under way when etcd dies. */
export interface Moment {
  readonly title: string
  /** Resolves when etcd is to die, with what is done as soon as it has. */
  begin(scene: Scene, one: Competitor): Promise<() => Promise<void>>
}

const CLAIM_TAKES_MS = 500

/**
 * The leader dies, and `one`, whose network is slow, is the only one to hear of it and to claim. One that
 * stops would hand over, and there would be no claim.
 */
async function claimSlowly(scene: Scene, one: Competitor): Promise<() => Promise<void>> {
  const { leader } = await scene.led()
  const others = scene.competitors.filter((other) => other !== one && other !== leader)
  for (const other of others) other.freeze()
  one.delay(CLAIM_TAKES_MS)
  const diedAt = now()
  await leader.kill()
  await scene.hand.delete(scene.path)
  await one.until('vacant', { after: diedAt, timeoutMs: PATIENCE_MS })
  return async () => {
    await Promise.all([one, ...others].map((each) => each.heal()))
  }
}

export const moments: readonly Moment[] = [
  {
    title: 'while nothing is under way',
    begin: async () => async () => {},
  },
  {
    title: 'while a claim is on its way to etcd',
    begin: claimSlowly,
  },
  {
    title: 'while the answer to a claim is on its way back',
    async begin(scene, one) {
      const heal = await claimSlowly(scene, one)
      // It has been carried out once its record stands there.
      while (!(await scene.hand.get(scene.path))?.includes(`"${one.settings.id}"`)) await sleep(5)
      return heal
    },
  },
  {
    title: 'while the leader’s connections are frozen',
    async begin(scene) {
      const { leader } = await scene.led()
      leader.freeze()
      return () => leader.heal()
    },
  },
]
