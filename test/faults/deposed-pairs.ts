import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { checkHistory } from '../../verification/history/checker.js'
import type { Fault } from '../../verification/history/report.js'
import type { Random } from '../../verification/random.js'
import type { Cluster, Member } from '../etcd/index.js'
import { mayLeadRaft, raftLeaderOf } from '../etcd/raft.js'
import { PATIENCE_MS } from '../patience.js'
import { LocalCompetitor } from './local-competitor.js'
import { now } from './now.js'

/** The members of a cluster of three, by what becomes of them. */
export interface Roles {
  /** The raft leader, which is to be frozen, deposed and thawed. */
  readonly frozen: Member
  /** Renews through the raft leader, whoever that is. */
  readonly forwarding: Member
  readonly other: Member
}

export async function castRoles(cluster: Cluster): Promise<Roles> {
  const frozen = cluster.members[await raftLeaderOf(cluster.endpoints)]
  const [forwarding, other] = cluster.members.filter((member) => member !== frozen)
  if (frozen === undefined || forwarding === undefined || other === undefined) {
    throw new Error('a cluster of three is needed')
  }
  return { frozen, forwarding, other }
}

/**
 * Freezes the raft leader for so long. Resolves with whether the other two have replaced it by then:
 * it may have been another already before, on a machine that is busy.
 */
export async function depose(roles: Roles, forMs: number): Promise<boolean> {
  const { frozen, forwarding, other } = roles
  const led = await mayLeadRaft(frozen.endpoint)
  await frozen.pause()
  await sleep(forMs)
  const replaced = await raftLeaderOf([forwarding.endpoint, other.endpoint], 0).then(
    () => true,
    () => false,
  )
  return led && replaced
}

/** A leader and a follower of one path, on different members, with a session each. */
export interface Pair {
  readonly path: string
  readonly leader: LocalCompetitor
  readonly follower: LocalCompetitor
}

interface PairsOptions {
  /** Begins all their paths. */
  readonly name: string
  readonly count: number
  /** In seconds. */
  readonly ttl: number
  readonly leaderAt: Member
  readonly followerAt: Member
}

export function createPairs(options: PairsOptions): Promise<readonly Pair[]> {
  const { name, count, ttl, leaderAt, followerAt } = options
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = `/${name}/${index}`
      const join = (who: string, { endpoint: member }: Member) =>
        LocalCompetitor.create({ name: `${who}${index}`, path, ttl, member })
      return { path, leader: await join('a', leaderAt), follower: await join('b', followerAt) }
    }),
  )
}

/**
 * Starts them within so many milliseconds, so that their renewals lie as far apart. Resolves once
 * every leader has renewed, with true, or with false if one of them has lost the path to its follower
 * meanwhile: on a machine that is busy, it may not have come to renew in time.
 */
export async function startPairs(
  pairs: readonly Pair[],
  timeoutMs: number,
  random: Random,
): Promise<boolean> {
  const started = await Promise.all(
    pairs.map(async ({ leader, follower }) => {
      await sleep(random.between(0, timeoutMs))
      await leader.start()
      await follower.start()
      const lost = leader.until('deselect', PATIENCE_MS).catch(() => undefined)
      if (leader.node.isLeader) await Promise.race([leader.until('refresh', PATIENCE_MS), lost])
      return leader.node.isLeader
    }),
  )
  return started.every(Boolean)
}

export async function endPairs(pairs: readonly Pair[]): Promise<void> {
  await Promise.all(pairs.flatMap(({ leader, follower }) => [leader.end(), follower.end()]))
}

/** The lease of a record, as the present raft leader has it. */
export interface LeaseLeft {
  readonly id: string
  /** It does not expire before, on the clock of the history. */
  readonly until: number
}

/** The leases of all records, asked of a member that knows the present raft leader. */
export async function leasesOf(
  pairs: readonly Pair[],
  member: Member,
): Promise<ReadonlyMap<string, LeaseLeft>> {
  const client = new Etcd3({ hosts: `http://${member.endpoint}` })
  try {
    const leases = await Promise.all(
      pairs.map(async ({ path }) => {
        const { kvs } = await client.get(path).exec()
        const id = kvs[0]?.lease ?? '0'
        const askedAt = now()
        const { TTL } = await client.leaseClient.leaseTimeToLive({ ID: id })
        // Whole seconds, rounded down; -1 for one that is gone.
        return [path, { id, until: askedAt + Number(TTL) * 1_000 }] as const
      }),
    )
    return new Map(leases)
  } finally {
    client.close()
  }
}

export interface Overlap {
  readonly path: string
  /** When the second leader joined the first. */
  readonly at: number
  readonly lengthMs: number
}

export interface Judgement {
  /** The longest of each path that had two leaders. */
  readonly overlaps: readonly Overlap[]
  /** All that the checker found, other than two leaders. */
  readonly otherFaults: readonly Fault[]
}

export function judge(pairs: readonly Pair[]): Judgement {
  const { faults } = checkHistory(
    pairs.flatMap(({ leader, follower }) => [...leader.history(), ...follower.history()]),
  )
  const longest = new Map<string, Overlap>()
  const otherFaults: Fault[] = []
  for (const fault of faults) {
    if (fault.kind !== 'two-sampled' && fault.kind !== 'two-selected') {
      otherFaults.push(fault)
      continue
    }
    const { path, at, lengthMs } = fault
    if (lengthMs > (longest.get(path)?.lengthMs ?? -1)) longest.set(path, { path, at, lengthMs })
  }
  return { overlaps: [...longest.values()], otherFaults }
}
