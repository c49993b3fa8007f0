/** The store of the model: one key, with revisions, leases and the latest changes. */
import { matchesLease, type Setting } from './tell.js'
import {
  believesIn,
  Call,
  endCall,
  entryOf,
  GONE,
  Inert,
  isReign,
  isStanding,
  isWatching,
  JUNK,
  type Late,
  NO_LEASE,
  type NodeState,
  Outdated,
  REVOKED,
  Seen,
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
      deleteReign(world, node.call, node.callToken, node.lease, setting)
      node.call = node.call === Call.clean ? Call.cleaned : Call.left
      node.callToken = 0
      return
    case Call.enqueue:
      enter(world, index, node.callLease, node.callValue)
      node.call = Call.entered
      node.callLease = NO_LEASE
      return
    case Call.withdraw:
      node.entry = NO_LEASE
      node.entryValue = 0
      node.entered = 0
      // Whatever else was left of it stands under another lease, and goes with that.
      if (world.keyBy === index && world.keyLease === node.lease && node.seen !== Seen.me) {
        node.call = Call.heldByOwn
        node.callToken = world.keyToken
      } else {
        node.call = Call.left
        node.callToken = 0
      }
      return
    case Call.handOver: {
      const { callTo, callLease, callValue, callToken } = node
      const isDone = handOver(world, callToken, callTo, callLease, callValue, setting)
      endCall(node)
      node.call = isDone ? Call.handedOver : Call.declined
      return
    }
    case Call.propose: {
      const { call: kind, lease, callValue: value, seenToken: token } = node
      if (propose(world, { kind, by: index, lease, value, token, isSameKey: false }, setting)) {
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
  const request = world.late[index]
  if (request === undefined) return
  world.late = world.late.toSpliced(index, 1)
  const { kind, by, lease, value, token } = request
  if (kind === Call.claim) {
    if (lease !== NO_LEASE && (world.keyBy === VACANT || setting.laws.claimsWithoutCompare)) {
      install(world, by, value, lease, setting)
      return
    }
    if (setting.hasCandidates) enter(world, by, lease, value)
  } else if (kind === Call.enqueue) {
    enter(world, by, lease, value)
  } else if (kind === Call.withdraw) {
    const node = world.nodes[by]
    if (node !== undefined) node.entry = NO_LEASE
  } else if (kind === Call.handOver) {
    handOver(world, token, by, lease, value, setting)
  } else if (kind === Call.propose) {
    propose(world, request, setting)
  } else if (kind === Call.guard) {
    // What it does is the app's, and elsewhere in the store.
    const isCarriedOut = isReign(world, token) || isSameButReign(world, request, setting)
    if (isCarriedOut && !isReign(world, token)) world.broken = 'transaction of an earlier reign'
  } else {
    deleteReign(world, kind, token, lease, setting)
  }
}

/** Whether all but the reign is as it was for a request, where that is all that it compares. */
function isSameButReign(
  { keyLease }: World,
  { kind, lease, isSameKey }: Late,
  { laws }: Setting,
): boolean {
  const comparesReign = kind === Call.guard ? !laws.guardsWithoutReign : !laws.proposesWithoutReign
  return !comparesReign && isSameKey && lease !== NO_LEASE && keyLease === lease
}

/** Whether the value was written: the reign lasts that it was proposed in. */
function propose(world: World, request: Late, setting: Setting): boolean {
  const { by, lease, value, token } = request
  if (isReign(world, token)) {
    write(world, value, setting)
    return true
  }
  if (isSameButReign(world, request, setting)) {
    world.broken = 'value of an earlier reign'
    write(world, value, setting)
    return true
  }
  const { keyBy } = world
  if (!setting.laws.proposesOverOthers || keyBy === by || keyBy === VACANT) return false
  if (lease === NO_LEASE) return false
  // A put takes another's record away, and its lease. The token is what the text says.
  world.keyBy = by
  world.keyToken = token
  world.keyLease = lease
  write(world, value, setting)
  return true
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
    node.entry = NO_LEASE
    node.entryValue = 0
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
  // Where nodes of one process share a claim, only one of them is entered by it.
  const enters = setting.hasCandidates && !setting.sharesClaims
  if (enters) enter(world, index, node.callLease, node.callValue)
  node.callTo = enters && node.call !== Call.won ? 1 : 0
  node.callLease = NO_LEASE
  if (node.call === Call.won) node.callValue = world.keyValue
  else if (!enters) node.callValue = 0
  node.callBehind = 0
}

function heldBy({ keyBy, keyLeaving }: World): number {
  if (keyBy === JUNK) return Call.heldByJunk
  return keyLeaving ? Call.heldByLeaving : Call.heldByOther
}

/** Where somebody holds the path, a node can be candidate for it. */
function enter(world: World, by: number, lease: number, value: number): void {
  if (world.keyBy === VACANT || lease === NO_LEASE) return
  const node = world.nodes[by]
  if (node === undefined) world.ghost = lease
  else {
    node.entry = lease
    node.entryValue = value
  }
}

/** Whether the candidate was installed: the reign lasts, and its entry is what it was. */
function handOver(
  world: World,
  token: number,
  to: number,
  lease: number,
  value: number,
  setting: Setting,
): boolean {
  const node = world.nodes[to]
  const isReigning = setting.laws.handsOverWithoutCompare
    ? world.keyBy !== VACANT
    : isReign(world, token)
  const isEntry = lease !== NO_LEASE && entryOf(world, to) === lease
  if (!isReigning || !isEntry || (node !== undefined && node.entryValue !== value)) return false
  if (node === undefined) world.ghost = NO_LEASE
  else {
    node.entry = NO_LEASE
    node.entryValue = 0
  }
  install(world, to, value, lease, setting, lease)
  return true
}

function install(
  world: World,
  by: number,
  value: number,
  lease: number,
  setting: Setting,
  handedUnder: number = NO_LEASE,
): void {
  world.lastRevision += 1
  world.keyBy = by
  world.keyValue = value
  world.keyToken = world.lastRevision
  world.keyRevision = world.lastRevision
  world.keyLease = lease
  world.keyLeaving = false
  note(world, setting, handedUnder)
}

function write(world: World, value: number, setting: Setting, leaving = false): void {
  world.lastRevision += 1
  world.keyValue = value
  world.keyLeaving = leaving
  world.keyRevision = world.lastRevision
  note(world, setting)
}

function deleteReign(
  world: World,
  call: number,
  token: number,
  lease: number,
  setting: Setting,
): void {
  if (world.keyBy === VACANT) return
  const { laws } = setting
  const { releasesWithoutCompare, releasesByTokenAlone } = laws
  const isAllowed =
    releasesWithoutCompare ||
    isReign(world, token) ||
    (releasesByTokenAlone && world.keyToken === token) ||
    (matchesLease(call, laws) && lease !== NO_LEASE && world.keyLease === lease)
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
  // With the key its create revision is gone.
  if (world.late.some(({ isSameKey }) => isSameKey)) {
    world.late = world.late.map((request) => ({ ...request, isSameKey: false }))
  }
  note(world, setting)
}

/** Keeps the change that was just made for every watch that has to bring it. */
function note(world: World, { changes }: Setting, lease: number = NO_LEASE): void {
  const change = {
    by: world.keyBy,
    value: world.keyValue,
    token: world.keyToken,
    revision: world.lastRevision,
    leaving: world.keyLeaving,
    lease,
  }
  const before = world.changes.length < changes ? world.changes : world.changes.slice(1)
  world.changes = [...before, change]
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
  world.changes = world.changes.map((change) =>
    change.lease !== lease
      ? change
      : { ...change, lease: world.nodes[change.by]?.lease === lease ? REVOKED : NO_LEASE },
  )
  if (world.ghost === lease) world.ghost = NO_LEASE
  for (const node of world.nodes) {
    if (node.lease === lease) node.lease = NO_LEASE
    if (node.callLease === lease) node.callLease = NO_LEASE
    if (node.entry === lease) {
      node.entry = NO_LEASE
      node.entryValue = 0
    }
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
  add(world.ghost)
  for (const { callLease, entry } of world.nodes) {
    add(callLease)
    add(entry)
  }
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
    if (believesIn(world, keyToken)) world.robbed = [...world.robbed, keyToken]
  }
}
