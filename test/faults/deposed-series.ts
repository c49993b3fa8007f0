import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../verification/random.js'
import { connections, type RenewsOutcome, runRenewsRound } from './deposed-renews.js'
import { type RevokesOutcome, runRevokesRound } from './deposed-revokes.js'
import { type Job, onClusters } from './on-clusters.js'

export interface SeriesOptions {
  /** For each combination. */
  readonly tries: number
  /** How many clusters are broken at the same time. */
  readonly clusters: number
  /** In seconds, where the election of a raft leader is quick: the smaller, the less there is to see. */
  readonly quickTtl: number
  readonly seed: number
}

/** For how much of a ttl the raft leader is frozen. */
const freezes = [0.3, 0.5, 0.9, 1.5] as const
/** How many paths share a cluster, at most. */
const AT_ONCE = 8
/** Every so many rounds run with etcd's usual election, and a ttl of 10 to 20 s. */
const USUAL_EVERY = 5

export interface RenewsRow {
  readonly freeze: number
  readonly connection: string
  tries: number
  answered: number
  readonly overlapsMs: number[]
  readonly revokedOverlapsMs: number[]
  readonly otherFaults: string[]
}

/** Every length of the freeze with every connection. */
export async function runRenewsSeries(options: SeriesOptions): Promise<readonly RenewsRow[]> {
  const random = new Random(options.seed)
  const jobs: Job<RenewsOutcome>[] = []
  const rows = freezes.flatMap((freeze) =>
    connections.map((connection) => {
      const row: RenewsRow = {
        freeze,
        connection,
        tries: 0,
        answered: 0,
        overlapsMs: [],
        revokedOverlapsMs: [],
        otherFaults: [],
      }
      // One that forwards sends late renewals to the new raft leader.
      const canBeLate = connection === 'raft leader' && freeze <= 0.5
      for (const { index, tries, election } of roundsOf(options.tries)) {
        const renewals = canBeLate && index % 4 !== 3 ? 'late' : 'any time'
        const what = { freeze, connection, renewals, tries, random } as const
        jobs.push({
          election,
          run: (cluster, name) =>
            runRenewsRound({
              ...what,
              cluster,
              name,
              ttl: ttlOf(election, options.quickTtl, random),
            }),
          done: (outcome) => {
            row.tries += tries
            row.answered += outcome.answered
            row.overlapsMs.push(...outcome.overlapsMs)
            row.revokedOverlapsMs.push(...outcome.revokedOverlapsMs)
            row.otherFaults.push(...outcome.otherFaults.map(({ message }) => message))
            if (outcome.overlapsMs.length > 0) save(`renews-${freeze}-${connection}`, outcome)
          },
        })
      }
      return row
    }),
  )
  await onClusters(jobs, options.clusters)
  return rows
}

export interface RevokesTotal {
  tries: number
  revoked: number
  readonly overlapsMs: number[]
  readonly cutOffOverlapsMs: number[]
  readonly ends: RevokesOutcome['ends'][number][]
  deselectedForNothing: number
  readonly otherFaults: string[]
}

export async function runRevokesSeries(options: SeriesOptions): Promise<RevokesTotal> {
  const random = new Random(options.seed)
  const total: RevokesTotal = {
    tries: 0,
    revoked: 0,
    overlapsMs: [],
    cutOffOverlapsMs: [],
    ends: [],
    deselectedForNothing: 0,
    otherFaults: [],
  }
  const jobs = roundsOf(options.tries).map(
    ({ tries, election }): Job<RevokesOutcome> => ({
      election,
      run: (cluster, name) =>
        runRevokesRound({
          cluster,
          name,
          ttl: ttlOf(election, options.quickTtl, random),
          tries,
          random,
        }),
      done: (outcome) => {
        total.tries += outcome.tries
        total.revoked += outcome.revoked
        total.overlapsMs.push(...outcome.overlapsMs)
        total.cutOffOverlapsMs.push(...outcome.cutOffOverlapsMs)
        total.ends.push(...outcome.ends)
        total.deselectedForNothing += outcome.deselectedForNothing
        total.otherFaults.push(...outcome.otherFaults.map(({ message }) => message))
        if (outcome.overlapsMs.length > 0) save('revokes', outcome)
      },
    }),
  )
  await onClusters(jobs, options.clusters)
  return total
}

function roundsOf(tries: number) {
  return Array.from({ length: Math.ceil(tries / AT_ONCE) }, (_, index) => ({
    index,
    tries: Math.min(AT_ONCE, tries - index * AT_ONCE),
    election: (index + 1) % USUAL_EVERY === 0 ? ('usual' as const) : ('quick' as const),
  }))
}

function ttlOf(election: 'quick' | 'usual', quickTtl: number, random: Random): number {
  return election === 'quick' ? quickTtl : Math.round(random.between(10, 20))
}

function save(name: string, { history }: { readonly history: string }): void {
  const folder = process.env.LOCKED_TEST_HISTORIES
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name.replace(/\W+/g, '-')}-${Date.now()}.jsonl`), history)
}
