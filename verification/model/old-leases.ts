import { Call, entryOf, NO_LEASE, type World } from './world.js'

/**
 * Gives each thing that stands under a lease which nobody renews any more a lease of its own. Then
 * they go one by one: as they would if the store was asked in between. That they could only have gone
 * together makes no world that is not among those.
 */
export function partOldLeases(world: World): void {
  const { nodes } = world
  const taken: number[] = []
  for (const { lease } of nodes) if (lease !== NO_LEASE) taken.push(lease)
  const isOld = (lease: number) => lease > NO_LEASE && !nodes.some((node) => node.lease === lease)
  const part = (lease: number): number => {
    if (!isOld(lease)) return lease
    let own = lease
    if (taken.includes(own)) {
      world.lastLease += 1
      own = world.lastLease
    }
    taken.push(own)
    return own
  }

  // What a hand-over compares is its candidate's.
  const installing = nodes.filter((node) => {
    if (node.call !== Call.handOver) return false
    const isThere = entryOf(world, node.callTo) === node.callLease
    if (!isThere) node.callLease = NO_LEASE
    return isThere
  })
  const lateInstalling = world.late.map(
    ({ kind, by, lease }) => kind === Call.handOver && entryOf(world, by) === lease,
  )

  world.keyLease = part(world.keyLease)
  world.ghost = part(world.ghost)
  for (const node of nodes) node.entry = part(node.entry)
  for (const node of nodes) {
    if (node.call !== Call.handOver) node.callLease = part(node.callLease)
  }
  for (const node of installing) node.callLease = entryOf(world, node.callTo)
  world.late = world.late.map((request, at) => {
    if (request.kind !== Call.handOver) return { ...request, lease: part(request.lease) }
    const isThere = lateInstalling[at] === true
    return { ...request, lease: isThere ? entryOf(world, request.by) : NO_LEASE }
  })
}
