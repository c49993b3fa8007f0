/** What can happen to a node's process, and to the actor in it that runs its machine. */
import type { Bounds } from './bounds.js'
import type { Chart } from './chart.js'
import type { Do } from './step.js'
import { leaveRequest, type Setting, tell } from './tell.js'
import {
  Call,
  endCall,
  GONE,
  Inert,
  isLeading,
  isStopped,
  LEAVES,
  Leaf,
  type NodeState,
  newNode,
  Seen,
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
}

export function canThrow({ leaf }: NodeState): boolean {
  return leaf !== Leaf.idle && leaf !== Leaf.releasing && leaf !== Leaf.released
}

/**
 * An exception ends the actor, and the process goes on. The node is no longer leader, and releases
 * what its latest claim won; after that it may be started again, as the same instance.
 */
export function endInError(world: World, node: NodeState, setting: Setting): void {
  if (node.call === Call.propose) leaveRequest(world, node, setting)
  if (node.call === Call.proposed || node.call === Call.reignOver) endCall(node)
  node.pending = 0
  if (setting.laws.leadsOnAfterException && isLeading(node)) {
    node.inert = Inert.actor
    return
  }
  node.leaf = setting.laws.diesWithoutRelease ? Leaf.released : Leaf.releasing
  node.restart = 0
  node.revision = 0
  node.seenValue = 0
  node.seenLeaving = 0
}

/** The services that tell an actor that it was restored. */
const TELLING = ['keepAlive', 'resume', 'clear']

const restorable = new WeakMap<Chart, readonly number[]>()

/**
 * The states whose snapshots are to be tried. Of those from which a restored actor begins to claim
 * with nothing in its context, one stands for all: what follows is the same.
 */
function restorableLeaves(chart: Chart): readonly number[] {
  const known = restorable.get(chart)
  if (known !== undefined) return known
  const leaves = LEAVES.map((_, leaf) => leaf).filter((leaf) => leaf >= Leaf.claiming)
  const found = leaves.filter((leaf) => leaf === Leaf.claiming || !claimsAnew(chart, leaf))
  restorable.set(chart, found)
  return found
}

function claimsAnew(chart: Chart, leaf: number): boolean {
  if (!chart.servicesIn(leaf).some((service) => TELLING.includes(service))) return false
  const node = { ...newNode(), leaf }
  if (isLeading(node)) Object.assign(node, { seen: Seen.me, seenToken: 1 })
  const { watchAfter, proposes, selected, ...after } = chart.step(node, { type: 'restored' })
  return Object.entries({ ...newNode(), leaf: Leaf.claiming }).every(
    ([name, value]) => Reflect.get(after, name) === undefined || Reflect.get(after, name) === value,
  )
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
  restored.value = node.value
  if (isLeading(restored)) {
    restored.seen = Seen.me
    restored.seenToken = node.seenToken
  }
  const services = setting.chart.servicesIn(leaf)
  if (services.some((service) => TELLING.includes(service))) {
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
