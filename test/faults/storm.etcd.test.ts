import { expect, test } from 'vitest'
import { formatReport } from '../../verification/history/report.js'
import { leaderWithinMs } from './scene.js'
import { runStorm } from './storm.js'

// `npm run storm` sets these.
const seconds = Number(process.env.LOCKED_STORM_SECONDS ?? 60)
const seed = Number(process.env.LOCKED_STORM_SEED ?? Math.floor(Math.random() * 2 ** 31))
const peer = process.env.LOCKED_STORM_PEER === 'etcd3' ? 'etcd3' : 'locked'
const TTL = 3
/** A member that was cut off or paused may make the others elect a raft leader anew. */
const RAFT_ELECTION_MS = 3_000

test(`a storm of ${seconds} s: never two leaders, and after healing one within ttl + 3 s`, {
  timeout: seconds * 1_000 + 600_000,
}, async () => {
  console.log(`storm: seed ${seed}, ${seconds} s, election of ${peer}`)
  const log = process.env.LOCKED_STORM_LOG ? console.log : () => {}
  const outcome = await runStorm({ seed, lastsMs: seconds * 1_000, ttl: TTL, peer, log })
  const { report, faults, leaderAfterMs, starvedMs, agreed, around } = outcome
  const counts = Object.entries(faults).sort(([a], [b]) => (a < b ? -1 : 1))
  console.log(
    [
      `storm: seed ${seed}, election of ${peer}`,
      formatReport(report).trimEnd(),
      `faults made: ${counts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
      ...(outcome.excused > 0
        ? [`${outcome.excused} faults excused: raft’s leader stood still for half a ttl`]
        : []),
      `a leader ${leaderAfterMs === null ? 'never came' : `${Math.round(leaderAfterMs)} ms`} after healing, ${agreed ? 'known to all' : 'not agreed on'}`,
    ].join('\n'),
  )
  expect(report.faults, `seed ${seed}\n${formatReport(report)}\n${around}`).toEqual([])
  expect(agreed, `seed ${seed}`).toBe(true)
  expect(leaderAfterMs ?? Number.POSITIVE_INFINITY, `seed ${seed}`).toBeLessThan(
    RAFT_ELECTION_MS + leaderWithinMs(TTL) + starvedMs,
  )
})
