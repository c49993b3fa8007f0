import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../../verification/history/report.js'
import type { Random } from '../../verification/random.js'
import type { Cluster } from '../etcd/index.js'
import { renewalsBy } from '../etcd/raft.js'
import { PATIENCE_MS } from '../patience.js'
import {
  castRoles,
  createPairs,
  depose,
  endPairs,
  judge,
  leasesOf,
  type Pair,
  startPairs,
} from './deposed-pairs.js'
import { formatHistory, type LocalCompetitor } from './local-competitor.js'

/** Through which member a leader renews: the raft leader, or one that forwards renewals to it. */
export const connections = ['raft leader', 'forwarding'] as const
type Connection = (typeof connections)[number]

/** When the network of a leader freezes: so that it hears nothing, little, or a renewal and no more. */
const cuts = ['at the first answer', 'at a refresh', 'soon after the thaw', 'before it'] as const

/** How long after its thaw a deposed member may answer what waited in its sockets. */
const ANSWERS_MS = 700
const SOON_MS = 20

export interface RenewsRound {
  readonly cluster: Cluster
  /** Unique in the cluster. */
  readonly name: string
  /** In seconds. */
  readonly ttl: number
  /** For how much of a ttl the raft leader is frozen. */
  readonly freeze: number
  readonly connection: Connection
  /**
   * When a leader sends its renewal: at any time of the freeze or not in it at all, or shortly before
   * the thaw, which leaves it valid for the longest. A renewal is sent every half ttl, so that a
   * freeze that is longer than that has none that is late.
   */
  readonly renewals: 'any time' | 'late'
  /** On how many paths it is tried at the same time. */
  readonly tries: number
  readonly random: Random
}

export interface RenewsOutcome {
  /** How many renewals the deposed member carried out after its thaw. */
  readonly answered: number
  /** For how many milliseconds there were two leaders, for each path that had two. */
  readonly overlapsMs: readonly number[]
  /** The same, where the deposed member had revoked the leader's lease, which it never saw renewed. */
  readonly revokedOverlapsMs: readonly number[]
  /** All that the checker found, other than two leaders. */
  readonly otherFaults: readonly Fault[]
  readonly history: string
}

/**
 * Freezes the raft leader, thaws it when it has been replaced, and freezes the network of the leaders
 * about then. On each path a leader renews by way of the one that is frozen, and a follower on
 * another member waits. Resolves with null if nothing was tried:
 * if it was not replaced, or if one that was to lead did not.
 */
export async function runRenewsRound(round: RenewsRound): Promise<RenewsOutcome | null> {
  const { cluster, name, ttl, freeze, connection, renewals, tries, random } = round
  const roles = await castRoles(cluster)
  const { frozen, forwarding, other } = roles
  const leaderAt = connection === 'raft leader' ? frozen : forwarding
  const pairs = await createPairs({ name, count: tries, ttl, leaderAt, followerAt: other })
  try {
    const start =
      renewals === 'late' ? startLate(round, pairs) : startPairs(pairs, ttl * 500, random)
    if (!(await start)) return null
    const before = await renewalsBy(frozen.endpoint)
    if (!(await depose(roles, freeze * ttl * 1_000))) return null

    const leases = await leasesOf(pairs, other)
    pairs.forEach(({ leader }, index) => {
      cutOff(leader, cuts[index % cuts.length] ?? cuts[0], random)
    })
    await frozen.resume()
    await sleep(ANSWERS_MS)
    for (const { leader } of pairs) leader.relay.freeze()
    const answered = (await renewalsBy(frozen.endpoint)) - before
    await Promise.all(
      pairs.map(async ({ leader, follower }) => {
        if (!follower.node.isLeader) await follower.until('select', PATIENCE_MS)
        if (leader.node.isLeader) await leader.until('deselect', PATIENCE_MS)
      }),
    )

    const { overlaps, otherFaults } = judge(pairs)
    const isRevoked = (path: string, at: number) => at < (leases.get(path)?.until ?? 0)
    const lengths = (revoked: boolean) =>
      overlaps
        .filter(({ path, at }) => isRevoked(path, at) === revoked)
        .map(({ lengthMs }) => lengthMs)
    return {
      answered: Math.min(answered, tries),
      overlapsMs: lengths(false),
      revokedOverlapsMs: lengths(true),
      otherFaults,
      history: formatHistory(pairs.flatMap(({ leader, follower }) => [leader, follower])),
    }
  } finally {
    await frozen.resume()
    await endPairs(pairs)
  }
}

/** Resolves so long before the leaders renew that a freeze from now on just contains that. */
async function startLate({ ttl, freeze, random }: RenewsRound, pairs: readonly Pair[]) {
  const started = await startPairs(pairs, ttl * 100, random)
  await sleep(Math.max(0, 0.52 - freeze) * ttl * 1_000)
  return started
}

function cutOff({ node, relay }: LocalCompetitor, cut: (typeof cuts)[number], random: Random) {
  switch (cut) {
    case 'at the first answer':
      relay.freezeAfterAnswer()
      break
    case 'at a refresh':
      node.once('refresh', () => relay.freeze())
      break
    case 'soon after the thaw':
      setTimeout(() => relay.freeze(), random.between(0, SOON_MS))
      break
    case 'before it':
      relay.freeze()
      break
  }
}
