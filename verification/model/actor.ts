/** What can happen to a node's process, and to the actor in it that runs its machine. */
import type { Bounds } from './bounds.js'
import type { Chart } from './chart.js'
import type { Do } from './step.js'
import { leaveRequest, type Setting, tell } from './tell.js'
import { NOBODY } from './waiting.js'
import {
  Call,
  GONE,
  Inert,
  isClaim,
  isClearing,
  isLeading,
  isStopped,
  LEAVES,
  Leaf,
  NO_LEASE,
  type NodeState,
  newNode,
  Seen,
  Session,
  type World,
} from './world.js'

/** A process that dies and comes back: everything it sent may still arrive, and it knows nothing. */
function crash(world: World, index: number, node: NodeState, setting: Setting): void {
  leaveRequest(world, node, setting, GONE)
  world.late = world.late.map((request) =>
    request.by === index ? { ...request, by: GONE } : request,
  )
  world.changes = world.changes.map((change) =>
    change.by === index ? { ...change, by: GONE } : change,
  )
  if (world.keyBy === index) world.keyBy = GONE
  for (const other of world.nodes) {
    if (other.call === Call.handOver && other.callTo === index) other.callTo = GONE
  }
  if (node.entry !== NO_LEASE) world.ghost = node.entry
}

export function canThrow({ leaf }: NodeState): boolean {
  return leaf !== Leaf.idle && leaf !== Leaf.released
}

/**
 * An exception ends the actor, and the process goes on. A new actor takes its place, with all that the
 * one before knew but how often it had tried, and waits for the claim on its way if there is one. Of
 * another request it does not know.
 */
export function endInError(world: World, node: NodeState, setting: Setting): void {
  if (node.leaf === Leaf.enqueueing) {
    node.entered = node.session === Session.none ? 0 : 1
    node.unanswered = node.entered
  }
  if (!isClaim(node.call)) leaveRequest(world, node, setting)
  node.pending = 0
  if (setting.laws.leadsOnAfterException && isLeading(node)) {
    node.inert = Inert.actor
    return
  }
  node.leaf = Leaf.withdrawing
  node.waiting = NOBODY
  // Of what it knew, that does not matter there.
  node.revision = 0
  node.seenValue = 0
  node.seenLeaving = 0
  if (node.seen !== Seen.me || setting.laws.diesWithoutRelease) {
    node.seen = Seen.nobody
    node.seenToken = 0
  }
}

/** Whether an actor that was restored hears so: all services tell it but the one that claims. */
function isTold(services: readonly string[]): boolean {
  return services.some((service) => service !== 'campaign')
}

const restorable = new WeakMap<Chart, readonly number[]>()

/**
 * The states whose snapshots are to be tried. Of those from which a restored actor goes on in the same
 * state, with the same in its context, one stands for all: what follows is the same.
 */
function restorableLeaves(chart: Chart): readonly number[] {
  const known = restorable.get(chart)
  if (known !== undefined) return known
  const leaves = LEAVES.map((_, leaf) => leaf).filter((leaf) => leaf !== Leaf.idle)
  const outcomes = leaves.map((leaf) => JSON.stringify(restoredFrom(chart, leaf)))
  const found = leaves.filter((_, at) => outcomes.indexOf(outcomes[at] ?? '') === at)
  restorable.set(chart, found)
  return found
}

/** Whether the snapshot of a node in that state tells of a record of its own. */
function hasRecord(node: NodeState): boolean {
  return isLeading(node) || isClearing(node)
}

function restoredFrom(chart: Chart, leaf: number): NodeState {
  const node = { ...newNode(), leaf }
  if (hasRecord(node)) Object.assign(node, { seen: Seen.me, seenToken: 1 })
  if (!isTold(chart.servicesIn(leaf))) return node
  const { watchAfter, proposes, checks, selected, chosen, ...after } = chart.step(node, {
    type: 'restored',
  })
  return { ...node, ...after }
}

/**
 * The process is gone, and a new one restores the actor from a snapshot, of `leaf`. The services of
 * that state run again, and its timers do not.
 */
export function restoreActor(
  world: World,
  index: number,
  node: NodeState,
  leaf: number,
  setting: Setting,
): void {
  leaveRequest(world, node, setting, index)
  const restored = newNode()
  world.nodes[index] = restored
  restored.leaf = leaf
  restored.entry = node.entry
  restored.entryValue = node.entryValue
  restored.value = node.value
  if (hasRecord(restored)) {
    restored.seen = Seen.me
    restored.seenToken = node.seenToken
  }
  const services = setting.chart.servicesIn(leaf)
  if (isTold(services)) {
    tell(world, restored, { type: 'restored' }, setting)
  } else if (!isStopped(restored) && !services.includes('campaign')) {
    restored.inert = Inert.timers
  }
}

/** What can happen to the actor of a node. */
export function forEachActorStep(
  index: number,
  node: NodeState,
  bounds: Bounds,
  setting: Setting,
  doTo: Do,
): void {
  if (bounds.crashes && node.leaf !== Leaf.idle) {
    doTo('crash', index, false, (next) => {
      crash(next, index, next.nodes[index] ?? node, setting)
      next.nodes[index] = newNode()
    })
  }
  if (bounds.exceptions && canThrow(node)) {
    doTo('throw', index, false, (next) => {
      endInError(next, next.nodes[index] ?? node, setting)
    })
  }
  if (bounds.snapshots && node.leaf !== Leaf.idle) {
    for (const leaf of restorableLeaves(setting.chart)) {
      doTo(
        'restoreActor',
        index,
        false,
        (next) => restoreActor(next, index, next.nodes[index] ?? node, leaf, setting),
        leaf,
      )
    }
  }
}
