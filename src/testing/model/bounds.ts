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
}

export const TWO_NODES: Bounds = {
  nodes: 2,
  values: 1,
  changes: 2,
  late: 1,
  crashes: true,
  deletes: true,
  junk: true,
  revokes: false,
}

/**
 * Every fault except requests that arrive late. Those multiply the states of three nodes beyond a
 * few minutes, so they are explored in a world of their own, without crashes and operators.
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
}

export const THREE_NODES_LATE: Bounds = {
  nodes: 3,
  values: 1,
  changes: 1,
  late: 1,
  crashes: false,
  deletes: false,
  junk: false,
  revokes: false,
}

export function describeBounds(bounds: Bounds): string {
  const { nodes, values, changes, late, crashes, deletes, junk, revokes } = bounds
  const faults = [
    crashes && 'crashes',
    deletes && "operator's deletes",
    junk && "operator's junk",
    revokes && 'revoked leases',
  ].filter((fault) => fault !== false)
  return `${nodes} nodes, ${values} value${values === 1 ? '' : 's'}, watches up to ${changes} behind, ${late} late request${late === 1 ? '' : 's'}, any number of lost requests and answers, ended validities, stops and starts${['', ...faults].join(', ')}`
}
