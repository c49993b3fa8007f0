import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../../verification/history/report.js'
import type { Random } from '../../verification/random.js'
import type { Cluster } from '../etcd/index.js'
import { raftLeaderOf } from '../etcd/raft.js'
import { Starvation } from '../load/starvation.js'
import { PATIENCE_MS } from '../patience.js'
import {
  castRoles,
  createPairs,
  depose,
  endPairs,
  judge,
  leasesOf,
  startPairs,
} from './deposed-pairs.js'
import { formatHistory } from './local-competitor.js'
import { now } from './now.js'

/** How long a follower waits before it claims a path that nobody handed over. */
const COURTESY_MS = 200
/** How often a member looks for leases that have expired, twice. */
const LOOKS_MS = 1_000

export interface RevokesRound {
  readonly cluster: Cluster
  /** Unique in the cluster. */
  readonly name: string
  /** In seconds. */
  readonly ttl: number
  /** On how many paths it is tried at the same time. */
  readonly tries: number
  readonly random: Random
}

export interface RevokesOutcome {
  /** On how many paths the leader had renewed with the new raft leader and still led at the thaw. */
  readonly tries: number
  /** How many of their leases were gone after it, long before they could expire. */
  readonly revoked: number
  /** The same for leaders that could hear of it, and those that were cut off for a while. */
  readonly overlapsMs: readonly number[]
  readonly cutOffOverlapsMs: readonly number[]
  /** Why leaders whose lease was revoked were deselected, and how long after they could hear of it. */
  readonly ends: readonly { readonly reason: string; readonly afterMs: number }[]
  /**
   * Leaders whose lease was not revoked and which were deselected all the same, while nothing kept
   * them from renewing.
   */
  readonly deselectedForNothing: number
  readonly otherFaults: readonly Fault[]
  readonly history: string
}

/**
 * Freezes the raft leader for longer than the ttl, while the leaders renew with the one that replaces
 * it. Thawed, it may revoke their leases, which it never saw renewed. The network of every other
 * leader freezes just before that, for a fifth of the ttl.
 */
export async function runRevokesRound(round: RevokesRound): Promise<RevokesOutcome | null> {
  const { cluster, name, ttl, tries, random } = round
  const roles = await castRoles(cluster)
  const { frozen, forwarding: leaderAt, other: followerAt } = roles
  const all = await createPairs({ name, count: tries, ttl, leaderAt, followerAt })
  using starvation = new Starvation()
  try {
    if (!(await startPairs(all, ttl * 500, random))) return null
    if (!(await depose(roles, random.between(1.3, 1.8) * ttl * 1_000))) return null

    // Whoever had a renewal on its way to the frozen one does not lead any more.
    const pairs = all.filter(({ leader }) => leader.node.validityMs > ttl * 300)
    const leases = await leasesOf(pairs, followerAt)
    const cut = pairs.filter((_, index) => index % 2 === 1)
    for (const { leader } of cut) leader.relay.freeze()
    await frozen.resume()
    const thawedAt = now()
    await sleep(ttl * 200)
    for (const { leader } of cut) await leader.relay.heal()
    const healedAt = now()
    await raftLeaderOf(cluster.endpoints)
    await sleep(LOOKS_MS)
    const left = await leasesOf(pairs, followerAt)
    const revoked = pairs.filter(({ path }) => left.get(path)?.id !== leases.get(path)?.id)
    const ends = await Promise.all(
      revoked.map(async (pair) => {
        const { leader } = pair
        if (leader.deselected.length === 0) await leader.until('deselect', PATIENCE_MS)
        const end = leader.history().find(({ kind }) => kind === 'deselect')
        const afterMs = (end?.at ?? 0) - (cut.includes(pair) ? healedAt : thawedAt)
        return { reason: leader.deselected[0] ?? '', afterMs }
      }),
    )
    const judgement = judge(all)
    const { otherFaults } = judgement
    // Who may hear of it in time does so while a follower waits out its courtesy, if it is let to run.
    const overlaps = judgement.overlaps.filter(
      ({ at, lengthMs }) => lengthMs > starvation.between(at - COURTESY_MS, at + lengthMs),
    )
    const wasStarved = starvation.between(thawedAt - ttl * 500, now()) > ttl * 200
    const lengths = (isCut: boolean) =>
      overlaps
        .filter(({ path }) => cut.some((pair) => pair.path === path) === isCut)
        .map(({ lengthMs }) => lengthMs)
    const deselectedForNothing = pairs.filter(
      (pair) => !wasStarved && !revoked.includes(pair) && pair.leader.deselected.length > 0,
    ).length
    return {
      tries: pairs.length,
      revoked: revoked.length,
      overlapsMs: lengths(false),
      cutOffOverlapsMs: lengths(true),
      ends,
      deselectedForNothing,
      otherFaults,
      history: formatHistory(all.flatMap(({ leader, follower }) => [leader, follower])),
    }
  } finally {
    await frozen.resume()
    await endPairs(all)
  }
}
