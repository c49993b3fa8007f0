import fc from 'fast-check'
import { describe } from 'vitest'
import type { Backup } from '../etcd/data.js'
import { PATIENCE_MS } from '../patience.js'
import { now } from './now.js'
import { expectOneLeader } from './replaced.js'
import { write } from './replacing.js'
import { type Scene, test } from './scene.js'

const RUNS = Number(process.env.LOCKED_TEST_HISTORY_RUNS ?? 3)
const acts = ['write', 'save', 'wipe', 'restore', 'restart', 'compact', 'change leader'] as const
const anyActs = fc.array(fc.constantFrom(...acts), { minLength: 3, maxLength: 6 })

/** The same orders in each run of a version; LOCKED_TEST_HISTORY_SEED gives others. */
const seed = Number(process.env.LOCKED_TEST_HISTORY_SEED ?? 15)

describe('in the end there is one leader, known to all, whatever came after what', () => {
  for (const order of fc.sample(anyActs, { numRuns: RUNS, seed })) {
    test(order.join(', '), { timeout: (1 + order.length) * PATIENCE_MS }, async ({ scene }) => {
      scene.ttl = 5
      await scene.startEtcd(1, { replaceable: true })
      const nodes = await scene.lead('a', 'b', 'c')
      await write(scene, 20)
      let backup = await scene.cluster.data.save()
      let at = now()
      for (const act of order) {
        backup = await perform(act, scene, backup)
        at = now()
        // Whatever comes next comes to an election that has settled.
        if (act !== 'write' && act !== 'save') await expectOneLeader(scene, nodes, { at })
      }
      await expectOneLeader(scene, nodes, { at })
    })
  }
})

/** Resolves with the latest backup. */
async function perform(act: (typeof acts)[number], scene: Scene, backup: Backup): Promise<Backup> {
  switch (act) {
    case 'write':
      await write(scene, 20)
      return backup
    case 'save':
      return await scene.cluster.data.save()
    case 'wipe':
      await scene.replaceHistory((data) => data.erase())
      return backup
    case 'restore':
      await scene.replaceHistory((data) => data.restore(backup))
      return backup
    case 'restart':
      for (const member of scene.cluster.members) {
        await member.kill()
        await member.start()
      }
      return backup
    case 'compact':
      await scene.hand.compact()
      return backup
    case 'change leader': {
      const { leader } = await scene.led()
      await leader.stop()
      await scene.elected({ after: now() - 1_000, among: scene.competitors })
      await leader.start()
      return backup
    }
  }
}
