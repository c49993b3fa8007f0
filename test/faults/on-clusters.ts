import { type Cluster, startCluster } from '../etcd/index.js'

/** How soon a member that hears nothing of the raft leader stands for election, and with it how short a ttl etcd grants. */
export const elections = {
  /** Within 0.4 s. */
  quick: ['--heartbeat-interval=20', '--election-timeout=200'],
  /** etcd's defaults: within 2 s. */
  usual: [],
} as const

export interface Job<Outcome> {
  readonly election: keyof typeof elections
  /** Null if what was to happen did not; it is then run again. */
  run(cluster: Cluster, name: string): Promise<Outcome | null>
  done(outcome: Outcome): void
}

/** A world in which it so often does not happen is not the one that is to be tried. */
const MOST_IN_VAIN = 10

/** Runs the jobs on so many clusters of three at the same time, one after the other on each. */
export async function onClusters<Outcome>(
  jobs: readonly Job<Outcome>[],
  count: number,
): Promise<void> {
  const queue = [...jobs].sort((a, b) => b.election.localeCompare(a.election))
  let runs = 0
  const work = async () => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const { election } = next
      await using cluster = await startCluster(3, { extraArgs: elections[election] })
      while (queue[0]?.election === election) {
        const job = queue.shift()
        if (job === undefined) break
        const outcome = await runUntilDone(() => {
          runs += 1
          return job.run(cluster, `run-${runs}`)
        })
        job.done(outcome)
      }
    }
  }
  await Promise.all(Array.from({ length: count }, work))
}

async function runUntilDone<Outcome>(run: () => Promise<Outcome | null>): Promise<Outcome> {
  for (let attempt = 1; attempt <= MOST_IN_VAIN; attempt += 1) {
    const outcome = await run()
    if (outcome !== null) return outcome
  }
  throw new Error(`what was to happen did not, ${MOST_IN_VAIN} times`)
}
