import { Call, entryOf, NO_LEASE, type NodeState, type World } from './world.js'

/**
 * Gives each thing that stands under a lease which nobody renews any more a lease of its own. Then
 * they go one by one: as they would if the store was asked in between. That they could only have gone
 * together makes no world that is not among those.
 */
export function partOldLeases(world: World): void {
  if (isHandingOver(world)) partWithHandOvers(world)
  else if (haveSeveralOldLeases(world)) part(world)
}

function isHandingOver({ nodes, late }: World): boolean {
  for (const { call } of nodes) if (call === Call.handOver) return true
  for (const { kind } of late) if (kind === Call.handOver) return true
  return false
}

/** Whether more than one thing stands under such a lease. */
function haveSeveralOldLeases({ nodes, keyLease, ghost, late }: World): boolean {
  let old = 0
  if (isOld(nodes, keyLease)) old += 1
  if (isOld(nodes, ghost)) old += 1
  for (const { callLease, entry } of nodes) {
    if (isOld(nodes, callLease)) old += 1
    if (isOld(nodes, entry)) old += 1
  }
  for (const { lease } of late) if (isOld(nodes, lease)) old += 1
  return old > 1
}

function isOld(nodes: readonly NodeState[], lease: number): boolean {
  if (lease <= NO_LEASE) return false
  for (const node of nodes) if (node.lease === lease) return false
  return true
}

/** What a hand-over compares is its candidate's, and is called as that is. */
function partWithHandOvers(world: World): void {
  const { nodes } = world
  const installing = nodes.filter((node) => {
    if (node.call !== Call.handOver) return false
    const isThere = entryOf(world, node.callTo) === node.callLease
    if (!isThere) node.callLease = NO_LEASE
    return isThere
  })
  const lateInstalling = world.late.map(
    ({ kind, by, lease }) => kind === Call.handOver && entryOf(world, by) === lease,
  )
  part(world)
  for (const node of installing) node.callLease = entryOf(world, node.callTo)
  world.late = world.late.map((request, at) => {
    if (request.kind !== Call.handOver) return request
    return {
      ...request,
      lease: lateInstalling[at] === true ? entryOf(world, request.by) : NO_LEASE,
    }
  })
}

/** All but what hand-overs compare. */
function part(world: World): void {
  const { nodes } = world
  const taken: number[] = []
  world.keyLease = ownOf(world, world.keyLease, taken)
  world.ghost = ownOf(world, world.ghost, taken)
  for (const node of nodes) node.entry = ownOf(world, node.entry, taken)
  for (const node of nodes) {
    if (node.call !== Call.handOver) node.callLease = ownOf(world, node.callLease, taken)
  }
  if (world.late.length === 0) return
  world.late = world.late.map((request) => {
    if (request.kind === Call.handOver) return request
    return { ...request, lease: ownOf(world, request.lease, taken) }
  })
}

/** The lease itself where it is the first that is come across, and else a new one. */
function ownOf(world: World, lease: number, taken: number[]): number {
  if (!isOld(world.nodes, lease)) return lease
  let own = lease
  if (taken.includes(own)) {
    world.lastLease += 1
    own = world.lastLease
  }
  taken.push(own)
  return own
}
