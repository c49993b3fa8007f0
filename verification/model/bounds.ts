/** How much of the world is explored. Within these bounds exploration is complete. */
export interface Bounds {
  /** Nodes on the path, each in a process of its own. 1 to 3. */
  readonly nodes: number
  /** Values a node may propose. 1 means that none does. 1 or 2. */
  readonly values: number
  /** Only leaders propose them; else whoever takes part does. */
  readonly onlyLeadersPropose: boolean
  /** Leaders propose the value once more that they have already: a request as any, with fewer worlds. */
  readonly repeats: boolean
  /** Changes a watch may lag behind; one that lags further finds its history compacted. 1 to 3. */
  readonly changes: number
  /** Requests at a time that nobody waits for any more, and that may still be carried out. */
  readonly late: number
  /** Those by which a node enters as candidate, or leaves, are among them; else only those of reigns. */
  readonly lateEntries: boolean
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
  /** Users stop nodes, and the work of leaders throws. */
  readonly stops: boolean
  /** The work of leaders writes to the store, guarded by their reign: requests that are late from the first. */
  readonly guards: boolean
  /** Users have leaders hand over. Those that stop do so in any case. */
  readonly transfers: boolean
  /** The store has candidates: without them a leader that stops vacates the path, as on etcd's v2 API. */
  readonly candidates: boolean
  /** Nodes of one process share their claims, so that they enter as candidates by requests of their own. */
  readonly shares: boolean
}

const NO_NEW_FAULTS = {
  onlyLeadersPropose: false,
  repeats: false,
  stops: true,
  renewals: false,
  resets: false,
  exceptions: false,
  snapshots: false,
  guards: false,
  transfers: false,
  candidates: true,
  shares: false,
} as const

export const TWO_NODES: Bounds = {
  nodes: 2,
  values: 1,
  changes: 2,
  late: 1,
  lateEntries: true,
  crashes: true,
  deletes: true,
  junk: true,
  revokes: false,
  ...NO_NEW_FAULTS,
}

const THREE_NODES: Bounds = {
  nodes: 3,
  values: 1,
  changes: 1,
  late: 0,
  lateEntries: false,
  crashes: false,
  deletes: false,
  junk: false,
  revokes: false,
  ...NO_NEW_FAULTS,
}

/**
 * Two nodes: all that they are checked for by default; and a path that is handed to and fro while all
 * that was asked for in earlier reigns is on its way.
 */
export const TWO_NODE_WORLDS: readonly Bounds[] = [
  TWO_NODES,
  {
    ...TWO_NODES,
    values: 2,
    onlyLeadersPropose: true,
    changes: 1,
    lateEntries: false,
    crashes: false,
    deletes: false,
    junk: false,
    stops: false,
    transfers: true,
    guards: true,
  },
]

/**
 * Three nodes, which stop and hand over in each of these worlds but one. All faults together would be
 * more than can be looked at, so each kind has a world of its own.
 */
export const THREE_NODE_WORLDS: readonly Bounds[] = [
  { ...THREE_NODES, transfers: true, shares: true },
  { ...THREE_NODES, late: 1 },
  { ...THREE_NODES, crashes: true },
  { ...THREE_NODES, deletes: true, junk: true, revokes: true },
  { ...THREE_NODES, renewals: true },
  { ...THREE_NODES, exceptions: true },
  { ...THREE_NODES, snapshots: true },
  // What a node that stops may know of two histories, and hand over, multiplies the states beyond an hour.
  { ...THREE_NODES, resets: true, stops: false },
  { ...THREE_NODES, resets: true, candidates: false },
]

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
    bounds.repeats && 'values that are written once more',
    bounds.guards && 'guarded transactions',
    bounds.transfers && 'leaders told to hand over',
    bounds.shares && 'claims that are shared',
    !bounds.candidates && 'no candidates',
  ].filter((fault) => fault !== false)
  return `${nodes} nodes, ${values} value${values === 1 ? '' : 's'}${bounds.onlyLeadersPropose ? ' that only leaders propose' : ''}, watches up to ${changes} behind, ${late} late request${late === 1 ? '' : 's'}${late > 0 && !bounds.lateEntries ? ' of reigns' : ''}, any number of lost requests and answers, ended validities, ${bounds.stops ? 'stops and ' : ''}starts${['', ...faults].join(', ')}`
}
