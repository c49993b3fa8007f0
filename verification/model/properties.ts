/** What must hold in every world. */
import type { Laws } from './faults.js'
import {
  type BrokenRule,
  isHolder,
  isLeader,
  isLeading,
  isStarted,
  Leaf,
  Outdated,
  Seen,
  Session,
  VACANT,
  type World,
} from './world.js'

/** What must not be. */
export type ViolationKind =
  /** Two nodes would say `isLeader` at once. */
  | 'two leaders'
  | BrokenRule
  /** A leader does not hold the path, and nothing on its way will tell it. */
  | 'leader without the path'
  /** A node is in `leader` though it was told, or could know, that it has no session. */
  | 'leader without a session'
  /** No leader can be elected any more, though nothing fails any more. */
  | 'stuck'
  /** Leaders come and go for ever, though nothing fails any more. */
  | 'restless'

export function findViolation(world: World, laws: Laws): ViolationKind | null {
  let leaders = 0
  let violation: ViolationKind | null = null
  for (let index = 0; index < world.nodes.length; index += 1) {
    const node = world.nodes[index]
    if (node === undefined || !isLeading(node)) continue
    if (node.session === Session.none) violation = 'leader without a session'
    if (!isLeader(node)) continue
    // Nobody can know at once that an operator deleted a record: see `countsRobbedLeaders`.
    const isRobbed = world.robbed.includes(node.seenToken) && !laws.countsRobbedLeaders
    // The same with a history that was replaced: see `countsOutdatedLeaders`.
    const isOutdated = node.outdated !== Outdated.no
    if (!isRobbed && (!isOutdated || laws.countsOutdatedLeaders)) leaders += 1
    if (isOutdated) continue
    const knowsThePath = isHolder(world, index) && world.keyValue === node.seenValue
    if (!knowsThePath && !hearsOtherwise(world, index)) violation ??= 'leader without the path'
  }
  if (leaders > 1) return 'two leaders'
  return world.broken === '' ? violation : world.broken
}

/** Whether a change that is not the leader's own reign, as it knows it, is still to be brought. */
function hearsOtherwise(world: World, index: number): boolean {
  const node = world.nodes[index]
  if (node === undefined) return false
  const pending = world.changes.slice(world.changes.length - node.pending)
  return pending.some(
    ({ by, value, token, revision }) =>
      (revision === 0 || revision > node.revision) &&
      (by !== index || token !== node.seenToken || value !== node.seenValue),
  )
}

/** Whether an election is over: somebody leads, holds the path, and its own value stands there. */
export function isSettled(world: World): boolean {
  return world.nodes.some(
    (node, index) =>
      isLeader(node) &&
      node.outdated === Outdated.no &&
      node.leaf === Leaf.holding &&
      node.seen === Seen.me &&
      isHolder(world, index) &&
      world.keyBy !== VACANT &&
      world.keyValue === node.value,
  )
}

/** Whether somebody takes part, so that there must come to be a leader. */
export function needsLeader(world: World): boolean {
  return world.nodes.some(isStarted)
}
