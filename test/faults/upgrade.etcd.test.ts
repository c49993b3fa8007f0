import { expect } from 'vitest'
import { etcdPrograms } from '../etcd/index.js'
import { PATIENCE_MS } from '../patience.js'
import { now } from './now.js'
import { test } from './scene.js'

const VERSIONS = ['3.5', '3.6', '3.7'] as const
/**
 * etcd 3.7 cannot read what 3.5 has written to its log (`unmarshal should never fail`): all of that has
 * to be in a snapshot by then, as it is in a cluster that has been written to for long.
 */
const SNAPSHOT_COUNT = 20
/** A member that leads etcd is ended as well: another is elected within a second or two. */
const TTL = 20

/** Only Go's modules have the later versions: where there is no Go, `npm run test:upgrade` says so. */
const isAsked = process.env.LOCKED_TEST_UPGRADE !== undefined

test.runIf(isAsked)(
  'etcd is upgraded under two elections: each has one leader throughout',
  async ({ scene }) => {
    const [first, ...later] = VERSIONS
    for (const version of later) await etcdPrograms(version)
    scene.ttl = TTL
    await scene.startEtcd(3, {
      version: first,
      extraArgs: [`--snapshot-count=${SNAPSHOT_COUNT}`],
    })
    const elections = []
    for (const path of ['/scene', '/other']) {
      const leader = await scene.launch(`leader of ${path}`, { path })
      await leader.start()
      const follower = await scene.launch(`follower of ${path}`, { path })
      await follower.start()
      elections.push({ leader, follower })
    }
    for (const version of later) {
      for (let write = 0; write < 5 * SNAPSHOT_COUNT; write += 1) {
        await scene.operator.put('/written').value(write)
      }
      for (const member of scene.cluster.members) {
        await member.upgrade(version)
        const upgradedAt = now()
        // Whoever was connected to it has gone over to another before the next one ends.
        for (const { leader } of elections) {
          await leader.until('refresh', { after: upgradedAt, timeoutMs: PATIENCE_MS })
        }
      }
    }
    for (const { leader, follower } of elections) {
      expect(leader.all('select')).toHaveLength(1)
      expect(leader.all('deselect')).toEqual([])
      expect(follower.all('select')).toEqual([])
      expect(await leader.call('state')).toMatchObject({ state: 'leader', isLeader: true })
    }
    for (const { leader, follower } of elections) {
      const stoppedAt = now()
      await leader.stop()
      await follower.until('select', { after: stoppedAt, timeoutMs: PATIENCE_MS })
    }
  },
)
