/**
 * What a node that stops does by itself while nothing can come of it that depends on when it is done:
 * it has not asked for anything, or has an answer already. Nobody can tell whether that has been done
 * yet, and what its user asks for meanwhile is done afterwards, as if it were asked for then. So it is
 * done at once, as the chart says.
 */
import type { ChartEvent } from './chart.js'
import { candidatesFor, deletedBy, look } from './node.js'
import { type Setting, tell } from './tell.js'
import {
  Call,
  endCall,
  hasLateClaim,
  isHeldByAnother,
  Leaf,
  NO_LEASE,
  type NodeState,
  Outdated,
  Seen,
  Session,
  type World,
} from './world.js'

/** Whether the node has gone on. */
export function goOn(world: World, index: number, node: NodeState, setting: Setting): boolean {
  const { leaf } = node
  if (leaf === Leaf.settling && hasNothingToFind(world, index, node)) {
    look(world, index, node, setting)
  } else {
    const event = nextOf(world, index, node, setting)
    if (event === null) return false
    endCall(node)
    tell(world, node, event, setting)
  }
  return node.leaf !== leaf
}

function nextOf(
  world: World,
  index: number,
  node: NodeState,
  { laws, hasCandidates }: Setting,
): ChartEvent | null {
  const { leaf, call } = node
  switch (leaf) {
    case Leaf.withdrawing:
      if (call === Call.none) return { type: 'withdrawn' }
      if (isHeldByAnother(call)) {
        const entered = node.callTo === 1 ? { entered: node.callValue } : {}
        return { type: 'held', seen: Seen.other, token: node.callToken, ...entered }
      }
      return call === Call.leaseGone ? { type: 'failed' } : null
    case Leaf.draining: {
      if (node.seen !== Seen.me) return { type: 'drained' }
      if (!hasCandidates) return { type: 'drained', isForGood: true }
      return candidatesFor(world, index).length > 0 ? null : { type: 'drained' }
    }
    case Leaf.listing: {
      const isTold = node.outdated === Outdated.no && candidatesFor(world, index).length === 0
      return call === Call.list && isTold ? { type: 'listed' } : null
    }
    case Leaf.releasing: {
      const isOver = node.seenToken === 0 && !laws.releasesWithoutCompare
      const hasRecord = node.seen === Seen.me && !isOver
      const isDeleted = call === Call.left || (call === Call.none && !hasRecord)
      return isDeleted ? { type: deletedBy(node) } : null
    }
    case Leaf.leaving: {
      const isEntered = node.entered === 1 || node.entry !== NO_LEASE
      const hasEntry = hasCandidates && !laws.leavesEntries && isEntered
      const hasNothing = !hasEntry || node.session === Session.none
      const isLeft = call === Call.left || (call === Call.none && hasNothing)
      return isLeft ? { type: 'released' } : null
    }
    case Leaf.settling:
      return node.session === Session.none ? { type: 'settled' } : null
    default:
      return null
  }
}

/** Then all that it does is to look, until it has looked enough. */
function hasNothingToFind(world: World, index: number, node: NodeState): boolean {
  return (
    node.session === Session.valid &&
    node.outdated === Outdated.no &&
    world.keyBy !== index &&
    node.entry === NO_LEASE &&
    !hasLateClaim(world, index)
  )
}
