import { setTimeout as sleep } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { PATIENCE_MS } from '../patience.js'

interface RaftStatus {
  readonly memberId: string
  /** The id of the member that it takes for the raft leader; `0` when it knows none. */
  readonly leader: string
}

/** What a member says about the raft that it takes part in. Rejects after 2 s without an answer. */
async function raftStatusOf(endpoint: string): Promise<RaftStatus> {
  const client = new Etcd3({ hosts: `http://${endpoint}` })
  try {
    const { leader, header } = await client.maintenance.status({ deadline: Date.now() + 2_000 })
    return { memberId: header.member_id, leader }
  } finally {
    client.close()
  }
}

/** Whether a member takes itself for the raft leader; true if it does not answer. */
export async function mayLeadRaft(endpoint: string): Promise<boolean> {
  return await raftStatusOf(endpoint).then(
    ({ memberId, leader }) => memberId === leader,
    () => true,
  )
}

/** Resolves with the index of the member that all of these take for the raft leader. */
export async function raftLeaderOf(
  endpoints: readonly string[],
  timeoutMs = PATIENCE_MS,
): Promise<number> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    try {
      const all = await Promise.all(endpoints.map(raftStatusOf))
      const index = all.findIndex(({ memberId, leader }) => memberId === leader)
      if (index >= 0 && all.every(({ leader }) => leader === all[index]?.memberId)) return index
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
    if (performance.now() > endMs) throw new Error(`no raft leader within ${timeoutMs} ms`)
    await sleep(20)
  }
}

/** How many leases a member has renewed, because it took itself for the raft leader, since it was started. */
export async function renewalsBy(endpoint: string): Promise<number> {
  const response = await fetch(`http://${endpoint}/metrics`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const found = /^etcd_debugging_lease_renewed_total (\S+)$/m.exec(await response.text())?.[1]
  if (found === undefined) throw new Error(`${endpoint} does not count the leases that it renews`)
  return Number(found)
}
