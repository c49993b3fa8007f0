/** The store of the model: one key, with revisions, leases and the latest changes. */
import type { Setting } from './tell.js'
import {
  Call,
  endCall,
  GONE,
  Inert,
  isLeading,
  isStanding,
  isWatching,
  JUNK,
  NO_LEASE,
  type NodeState,
  Outdated,
  Session,
  VACANT,
  type World,
} from './world.js'

/**
 * Carries out the request that `node` waits for; its answer is then on its way. `isForgotten` says
 * that the node no longer knows, or never did, that it had the lease under which its record stands.
 */
export function carryOut(
  world: World,
  index: number,
  node: NodeState,
  setting: Setting,
  isForgotten = false,
): void {
  const isAccepted = node.call !== Call.claim || node.callLease !== NO_LEASE
  answerFor(world, index, node, setting, isForgotten)
  // All answers but those that are errors tell of which history they are.
  if (node.outdated !== Outdated.no && isAccepted) {
    endCall(node)
    node.call = Call.ofOtherHistory
  }
}

/** Whether `node` may have forgotten that the record at the path is its own, asking under `lease`. */
export function canForget({ keyBy, keyLease }: World, index: number, lease: number): boolean {
  return keyBy === index && keyLease > NO_LEASE && keyLease !== lease
}

function answerFor(
  world: World,
  index: number,
  node: NodeState,
  setting: Setting,
  isForgotten: boolean,
): void {
  switch (node.call) {
    case Call.claim:
      claim(world, index, node, setting, isForgotten)
      return
    case Call.clean:
    case Call.leave:
      deleteReign(world, node.callToken, setting)
      node.call = node.call === Call.clean ? Call.cleaned : Call.left
      node.callToken = 0
      return
    case Call.propose:
      if (isReign(world, node.callToken)) {
        write(world, node.callValue, setting)
        node.call = Call.proposed
        node.callRevision = world.keyRevision
      } else {
        node.call = Call.reignOver
        node.callValue = 0
      }
      node.callToken = 0
      return
  }
}

/** Whether a release of `token` by a node that leaves may write its notice now. */
export function canGiveNotice(world: World, call: number, token: number): boolean {
  return call === Call.leave && isReign(world, token) && !world.keyLeaving
}

/** The notice is written: the first half of what a node asks for that leaves. The other may be lost. */
export function giveNotice(world: World, setting: Setting): void {
  write(world, world.keyValue, setting, true)
}

/** Carries out a request that nobody waits for any more. */
export function carryOutLate(world: World, index: number, setting: Setting): void {
  const [request] = world.late.splice(index, 1)
  if (request === undefined) return
  const { kind, by, lease, value, token } = request
  if (kind === Call.claim) {
    if (lease !== NO_LEASE && (world.keyBy === VACANT || setting.laws.claimsWithoutCompare)) {
      install(world, by, value, lease, setting)
    }
  } else if (kind === Call.propose) {
    if (isReign(world, token)) write(world, value, setting)
  } else {
    deleteReign(world, token, setting)
  }
}

function claim(
  world: World,
  index: number,
  node: NodeState,
  setting: Setting,
  isForgotten: boolean,
): void {
  const { laws } = setting
  if (node.callLease === NO_LEASE) {
    node.call = Call.leaseGone
    node.callValue = 0
    return
  }
  if (world.keyBy === VACANT || laws.claimsWithoutCompare) {
    install(world, index, node.callValue, node.callLease, setting)
    node.call = Call.won
    node.callToken = world.keyToken
    node.callLease = NO_LEASE
    node.callBehind = 0
    return
  }
  const isOwn = world.keyBy === index && !isForgotten
  const found = laws.adoptsOwnRecord ? Call.won : Call.heldByOwn
  node.call = isOwn ? found : heldBy(world)
  node.callToken = world.keyToken
  node.callLease = NO_LEASE
  node.callValue = node.call === Call.won ? world.keyValue : 0
  node.callBehind = 0
}

function heldBy({ keyBy, keyLeaving }: World): number {
  if (keyBy === JUNK) return Call.heldByJunk
  return keyLeaving ? Call.heldByLeaving : Call.heldByOther
}

function install(world: World, by: number, value: number, lease: number, setting: Setting): void {
  world.lastRevision += 1
  world.keyBy = by
  world.keyValue = value
  world.keyToken = world.lastRevision
  world.keyRevision = world.lastRevision
  world.keyLease = lease
  world.keyLeaving = false
  note(world, setting)
}

function write(world: World, value: number, setting: Setting, leaving = false): void {
  world.lastRevision += 1
  world.keyValue = value
  world.keyLeaving = leaving
  world.keyRevision = world.lastRevision
  note(world, setting)
}

function isReign(world: World, token: number): boolean {
  return world.keyBy !== VACANT && world.keyBy !== JUNK && token !== 0 && world.keyToken === token
}

function deleteReign(world: World, token: number, setting: Setting): void {
  if (world.keyBy === VACANT) return
  const { releasesWithoutCompare, releasesByTokenAlone } = setting.laws
  const isAllowed =
    releasesWithoutCompare ||
    isReign(world, token) ||
    (releasesByTokenAlone && world.keyToken === token)
  if (isAllowed) {
    // What is not a record is an operator's, and only an operator's to delete.
    if (world.keyBy === JUNK) world.broken = 'junk deleted'
    vacate(world, setting)
  }
}

function vacate(world: World, setting: Setting): void {
  world.lastRevision += 1
  world.keyBy = VACANT
  world.keyValue = 0
  world.keyToken = 0
  world.keyRevision = 0
  world.keyLease = NO_LEASE
  world.keyLeaving = false
  note(world, setting)
}

/** Keeps the change that was just made for every watch that has to bring it. */
function note(world: World, { changes }: Setting): void {
  world.changes.push({
    by: world.keyBy,
    value: world.keyValue,
    token: world.keyToken,
    revision: world.lastRevision,
    leaving: world.keyLeaving,
  })
  if (world.changes.length > changes) world.changes.shift()
  for (const node of world.nodes) {
    // A watch whose history is no longer kept reads the path as it is, and goes on from there.
    // The watch of a history that was replaced brings nothing of the new one.
    if (node.outdated !== Outdated.no || node.inert === Inert.actor) continue
    if (isWatching(node)) node.pending = node.pending < changes ? node.pending + 1 : 1
    if (isStanding(node.call)) {
      node.callBehind = Math.min(node.callBehind + 1, changes + 1)
    }
  }
}

/** The store ends a lease, and deletes the key attached to it. */
export function endLease(world: World, lease: number, setting: Setting): void {
  for (const node of world.nodes) {
    if (node.lease === lease) node.lease = NO_LEASE
    if (node.callLease === lease) node.callLease = NO_LEASE
  }
  world.late = world.late.map((request) =>
    request.lease === lease ? { ...request, lease: NO_LEASE } : request,
  )
  if (world.keyLease === lease && world.keyBy !== VACANT) vacate(world, setting)
}

/** Leases that nobody renews any more, because their session or their process is over. */
export function abandonedLeases(world: World): number[] {
  const kept = world.nodes
    .filter(({ session }) => session !== Session.none)
    .map(({ lease }) => lease)
  const found: number[] = []
  const add = (lease: number) => {
    if (lease > NO_LEASE && !kept.includes(lease) && !found.includes(lease)) found.push(lease)
  }
  add(world.keyLease)
  for (const { callLease } of world.nodes) add(callLease)
  for (const { lease } of world.late) add(lease)
  return found
}

/** An operator deletes what stands at the path. */
export function operatorDeletes(world: World, setting: Setting): void {
  rob(world)
  vacate(world, setting)
}

/** An operator writes junk to the path. It keeps the key's token, as etcd keeps its create revision. */
export function operatorWrites(world: World, setting: Setting): void {
  rob(world)
  world.lastRevision += 1
  if (world.keyBy === VACANT) world.keyToken = world.lastRevision
  world.keyBy = JUNK
  world.keyValue = 0
  world.keyRevision = world.lastRevision
  world.keyLease = NO_LEASE
  world.keyLeaving = false
  note(world, setting)
}

export function operatorRevokes(world: World, lease: number, setting: Setting): void {
  if (world.keyLease === lease) rob(world)
  endLease(world, lease, setting)
}

/** A reign that an operator ends is no longer the store's word: its leader learns of it later. */
function rob(world: World): void {
  if (world.keyBy !== VACANT && world.keyBy !== JUNK && world.keyBy !== GONE) {
    const { keyToken } = world
    const believes = world.nodes.some(
      (node) =>
        (isLeading(node) && node.seenToken === keyToken) ||
        (node.call === Call.won && node.callToken === keyToken),
    )
    if (believes) world.robbed.push(keyToken)
  }
}
