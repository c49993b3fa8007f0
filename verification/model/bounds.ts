/** How much of the world is explored. Within these bounds exploration is complete. */
export interface Bounds {
  /** Nodes on the path, each in a process of its own. 1 to 3. */
  readonly nodes: number
  /** Values a node may propose. 1 means that none does. 1 or 2. */
  readonly values: number
  /** Changes a watch may lag behind; one that lags further finds its history compacted. 1 to 3. */
  readonly changes: number
  /** Requests at a time that nobody waits for any more, and that may still be carried out. */
  readonly late: number
  /** Processes crash, and come back as new instances. */
  readonly crashes: boolean
  /** An operator deletes the record at the path. */
  readonly deletes: boolean
  /** An operator writes junk to the path, over a record or not. */
  readonly junk: boolean
  /** An operator revokes a lease. */
  readonly revokes: boolean
  /** Raft changes its leader, and the one before answers renewals that the store does not keep. */
  readonly renewals: boolean
  /** The store loses its data, or is restored to what it was before. */
  readonly resets: boolean
  /** Actors end in an error, and their processes go on. */
  readonly exceptions: boolean
  /** Processes end, and new ones restore their actors from snapshots. */
  readonly snapshots: boolean
}

const NO_NEW_FAULTS = {
  renewals: false,
  resets: false,
  exceptions: false,
  snapshots: false,
} as const

export const TWO_NODES: Bounds = {
  nodes: 2,
  values: 1,
  changes: 2,
  late: 1,
  crashes: true,
  deletes: true,
  junk: true,
  revokes: false,
  ...NO_NEW_FAULTS,
}

/**
 * The faults of nodes, networks and operators, except requests that arrive late. Those multiply the
 * states of three nodes beyond a few minutes, so they are explored in a world of their own, without
 * operators; and so are the faults of etcd.
 */
export const THREE_NODES: Bounds = {
  nodes: 3,
  values: 1,
  changes: 2,
  late: 0,
  crashes: true,
  deletes: true,
  junk: true,
  revokes: true,
  ...NO_NEW_FAULTS,
}

export const THREE_NODES_LATE: Bounds = {
  nodes: 3,
  values: 1,
  changes: 1,
  late: 1,
  crashes: true,
  deletes: false,
  junk: false,
  revokes: false,
  ...NO_NEW_FAULTS,
}

const THREE_NODES_QUIET: Bounds = {
  ...THREE_NODES,
  changes: 1,
  crashes: false,
  deletes: false,
  junk: false,
  revokes: false,
}

export const THREE_NODES_RENEWALS: Bounds = {
  ...THREE_NODES_QUIET,
  renewals: true,
  exceptions: true,
  snapshots: true,
}

export const THREE_NODES_RESETS: Bounds = { ...THREE_NODES_QUIET, resets: true }

export function describeBounds(bounds: Bounds): string {
  const { nodes, values, changes, late } = bounds
  const faults = [
    bounds.crashes && 'crashes',
    bounds.deletes && "operator's deletes",
    bounds.junk && "operator's junk",
    bounds.revokes && 'revoked leases',
    bounds.renewals && 'renewals by deposed raft leaders',
    bounds.resets && 'histories that are replaced',
    bounds.exceptions && 'actors that end in an error',
    bounds.snapshots && 'actors restored from snapshots',
  ].filter((fault) => fault !== false)
  return `${nodes} nodes, ${values} value${values === 1 ? '' : 's'}, watches up to ${changes} behind, ${late} late request${late === 1 ? '' : 's'}, any number of lost requests and answers, ended validities, stops and starts${['', ...faults].join(', ')}`
}
