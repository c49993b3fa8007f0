/**
 * A history that is replaced: the store lost its data, or was restored to what it was before. Then an
 * older record may stand at the path, with its lease alive again, although nobody renews it. Watches
 * end with the store's process; what they had still to bring might as well have come before.
 */
import { leaveRequest, type Setting, tell } from './tell.js'
import {
  Call,
  dropSession,
  endCall,
  GONE,
  isCandidate,
  isFollower,
  isLeading,
  isWatching,
  knowsHistory,
  Leaf,
  NO_LEASE,
  type NodeState,
  OTHER_HISTORY,
  Outdated,
  Seen,
  Session,
  VACANT,
  type World,
} from './world.js'

/** One replacement at a time is followed: the next one comes when all have heard of it. */
export function canReplaceHistory(world: World): boolean {
  return (
    world.nodes.every(({ outdated }) => outdated === Outdated.no) && world.nodes.some(knowsHistory)
  )
}

/** The store begins anew, with nothing in it. */
export function loseHistory(world: World): void {
  replaceHistory(world)
  for (const node of world.nodes) {
    node.lease = NO_LEASE
    node.callLease = NO_LEASE
    node.entry = NO_LEASE
    node.entryValue = 0
  }
  world.ghost = NO_LEASE
  world.late = world.late.map((request) => ({ ...request, lease: NO_LEASE }))
  put(world, VACANT, 0, NO_LEASE)
}

/**
 * What the store can be restored to: what it is now, from a backup that was made just then; or an
 * earlier record, of a node under the lease it has or one it had, or of a process that is gone.
 */
export function backupsOf(world: World): readonly ((restored: World) => void)[] {
  const backups = [(_: World) => {}]
  const older = (by: number, leaseIn: (restored: World) => number) =>
    backups.push((restored) => {
      restored.lastRevision += 1
      put(restored, by, restored.lastRevision, leaseIn(restored))
    })
  const oldLease = (restored: World) => {
    restored.lastLease += 1
    return restored.lastLease
  }
  for (const [index, { leaf, lease }] of world.nodes.entries()) {
    if (leaf === Leaf.idle) continue
    if (lease > NO_LEASE) older(index, () => lease)
    older(index, oldLease)
  }
  older(GONE, oldLease)
  return backups
}

export function restoreHistory(world: World, which: number): void {
  const backup = backupsOf(world)[which]
  replaceHistory(world)
  backup?.(world)
}

function replaceHistory(world: World): void {
  for (const node of world.nodes) {
    node.outdated = knowsHistory(node) ? Outdated.hears : Outdated.no
    silence(node)
    node.pending = 0
    node.callBehind = 0
    // No renewal of the history before counts in this one.
    if (node.session === Session.valid) node.unkept = 1
  }
  world.changes = []
  world.late = world.late.map((request) => ({ ...request, isSameKey: false }))
  world.robbed = []
  world.elected = 0
}

/**
 * A follower without a session has nothing but its watch left, which goes on from a revision that the
 * new history may take long to come to; nor does a session that it opens later know of another history.
 */
export function silence(node: NodeState): void {
  const isWithoutSession = isFollower(node) && !isCandidate(node)
  if (node.outdated === Outdated.hears && isWithoutSession) node.outdated = Outdated.silent
}

function put(world: World, by: number, token: number, lease: number): void {
  world.keyBy = by
  world.keyValue = 0
  world.keyToken = token
  world.keyRevision = token
  world.keyLease = lease
  world.keyLeaving = false
}

/** The node learns that the history was replaced: its session ends, and it elects anew. */
export function hearReset(world: World, node: NodeState, setting: Setting): void {
  const { laws } = setting
  const { call } = node
  node.outdated = Outdated.no
  if (!laws.keepsSessionAfterReset) dropSession(node)
  leaveRequest(world, node, setting)
  tell(world, node, { type: 'reset' }, setting)
  // What was asked of the history before has failed.
  if (node.leaf === Leaf.listing || node.leaf === Leaf.handingOver) {
    tell(world, node, { type: 'failed' }, setting)
  } else if (node.leaf === Leaf.checking) {
    tell(world, node, { type: 'untilChosen' }, setting)
  }
  // Whoever keeps the session alive hears that it has ended as well.
  if (isLeading(node) && node.session === Session.none) {
    tell(world, node, { type: 'expired' }, setting)
  }
  if (laws.usesAnswersOfBefore && call === Call.heldByOther && node.leaf === Leaf.claiming) {
    endCall(node)
    tell(world, node, { type: 'held', seen: Seen.other, token: 1 }, setting)
  }
  if (isWatching(node)) {
    // It goes on from a revision that the new history may take long to come to.
    node.revision = OTHER_HISTORY
    node.pending = 0
  }
}
