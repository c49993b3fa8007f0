/**
 * Makes worlds equal that no step can ever tell apart. Every rule here says why that is so; without
 * them there would be many times as many worlds, and not one more that differs in what can happen.
 */
import type { Laws } from './faults.js'
import { goOn } from './go-on.js'
import { answer, mustSend, send } from './node.js'
import { partOldLeases } from './old-leases.js'
import { matchesLease, type Setting } from './tell.js'
import {
  believesIn,
  Call,
  type Change,
  dropSession,
  endCall,
  forgetRenewal,
  GONE,
  hasLateClaim,
  Inert,
  isClearing,
  isLeading,
  isRequest,
  isStopped,
  JUNK,
  knowsHistory,
  type Late,
  Leaf,
  NO_LEASE,
  type NodeState,
  OTHER_HISTORY,
  Outdated,
  Seen,
  Session,
  Term,
  VACANT,
  type World,
} from './world.js'

export type Normalise = (world: World) => void

/** The rules that hold in `setting`; `resets` says whether the store can be restored to what it was. */
export function normaliserFor(setting: Setting, resets: boolean): Normalise {
  const { laws } = setting
  // Where a release deletes whatever it finds, even one that comes too late is not without effect.
  const staleReleasesMatter =
    laws.releasesWithoutCompare || laws.releasesByLeaseAlone || laws.clearsByLeaseAlone
  // A record under a lease that nothing stands under any more may be in a backup.
  const idleSessionsMatter = resets || laws.expiresEarly || laws.claimsWithoutLease

  function normaliseNode(world: World, index: number, node: NodeState): void {
    const { keyToken } = world
    if (isSentAtOnce(node) && !isStopped(node)) send(world, node, setting)
    // Only a leader relies on validity that has ended: all else look at the clock first.
    if (node.session === Session.ended && !isLeading(node)) node.session = Session.none
    // Only of leaders' sessions is it followed how they are renewed.
    if (!isLeading(node)) forgetRenewal(node)
    // Its member is in the current term, so that one older term answers as another.
    if (node.asksDeposed === 0 && node.knownTerm === Term.older) node.knownTerm = Term.before
    if (node.call !== Call.won && node.callToken !== keyToken) node.callToken = 0
    if (!isLeading(node) && node.seenToken !== keyToken) node.seenToken = 0
    if (!staleReleasesMatter) {
      if (node.callToken === 0) {
        // The reign is over: carried out or not, the request changes nothing.
        if (node.call === Call.clean) node.call = Call.cleaned
        if (node.call === Call.leave) node.call = Call.left
        if (node.call === Call.handOver && !laws.handsOverWithoutCompare) decline(node)
      }
      // Its candidate has left.
      if (node.call === Call.handOver && node.callLease === NO_LEASE) decline(node)
      // The same with one that is yet to be released.
      // One whose deletion had no answer is still in doubt as the entry goes.
      const isOver = node.seenToken === 0 && node.leaf !== Leaf.leaving
      if (!isLeading(node) && !isClearing(node) && isOver) node.seen = Seen.nobody
    }
    // What is looked for is not there and will not come. What is yet to fail will be noted by itself.
    const mayBeThere = node.entry !== NO_LEASE || hasLateClaim(world, index)
    if (node.unanswered === 1 && world.keyBy !== index && !mayBeThere) {
      if (node.leaf !== Leaf.settling) node.unanswered = 0
    }
    if (!idleSessionsMatter && !isLeading(node) && node.session !== Session.none) {
      // A fresh session serves as well as one that nothing was done with, as far as a claim goes: it
      // can be sent, and refused, under either. A follower's may end all the same.
      if (!isUsed(world, node) && node.entered === 0) dropSession(node)
    }
    if (setting.answersAtOnce && isAnswered(node)) {
      answer(world, node, setting)
      normaliseNode(world, index, node)
    } else if (isStopped(node)) {
      if (goOn(world, index, node, setting)) normaliseNode(world, index, node)
      else if (isSentAtOnce(node)) {
        send(world, node, setting)
        normaliseNode(world, index, node)
      }
    }
  }

  return (world) => {
    const { nodes } = world
    dropLate(world, laws, staleReleasesMatter)
    let awaited = 0
    for (let index = 0; index < nodes.length; index += 1) {
      const node = nodes[index]
      if (node === undefined) continue
      normaliseNode(world, index, node)
      if (node.call === Call.won && node.callToken <= world.elected) awaited = world.elected
      // To a node that knows nothing of a history it is all the same which one it is.
      if (node.outdated !== Outdated.no && !knowsHistory(node)) node.outdated = Outdated.no
      // Both only wait for a user who starts them.
      if (node.leaf === Leaf.released && isBare(world, index, node)) node.leaf = Leaf.idle
    }
    // An answer to a claim brings the token of then; any later token is the store's next.
    world.elected = awaited
    if (world.robbed.length > 0) dropRobbed(world)
    if (setting.answersAtOnce) partOldLeases(world)
    dropChanges(world)
    world.keyRevision = 0
  }
}

/** Whether it is all the same when the node asks: a request can be lost, or carried out late. */
function isSentAtOnce(node: NodeState): boolean {
  const hasSession = node.session === Session.valid || node.leaf !== Leaf.claiming
  return mustSend(node) && hasSession && node.inert === Inert.nothing
}

/** Whether what the node makes of the answer that it has does not depend on when it hears it. */
export function isAnswered({ call, inert }: NodeState): boolean {
  const isDecided = call !== Call.none && !isRequest(call)
  // Of a claim that has won it matters whether its session is valid still; the watch may bring what was proposed.
  return isDecided && call !== Call.won && call !== Call.proposed && inert === Inert.nothing
}

function decline(node: NodeState): void {
  endCall(node)
  node.call = Call.declined
}

/** The store refuses these whenever they come. */
function dropLate(world: World, laws: Laws, staleReleasesMatter: boolean): void {
  for (const request of world.late) {
    if (isRefused(world, request, laws, staleReleasesMatter)) {
      world.late = world.late.filter((one) => !isRefused(world, one, laws, staleReleasesMatter))
      return
    }
  }
}

function isRefused(
  { keyToken, keyBy }: World,
  { kind, lease, token, isSameKey }: Late,
  laws: Laws,
  staleReleasesMatter: boolean,
): boolean {
  if (kind === Call.claim || kind === Call.enqueue) return lease === NO_LEASE
  if (kind === Call.withdraw) return false
  if (kind === Call.handOver && lease === NO_LEASE) return true
  if (kind === Call.handOver && laws.handsOverWithoutCompare) return false
  if ((kind === Call.clean || kind === Call.leave) && staleReleasesMatter) return false
  if (kind === Call.propose || kind === Call.guard) {
    const mayMatch = lease !== NO_LEASE && (isSameKey || laws.proposesOverOthers)
    if (mayMatch && matchesLease(kind, laws)) return false
  }
  return token !== keyToken || keyBy === VACANT || keyBy === JUNK
}

/** Whether nothing is left of what a stopped node ever did. */
function isBare(world: World, index: number, node: NodeState): boolean {
  return (
    node.call === Call.none &&
    node.session === Session.none &&
    node.entry === NO_LEASE &&
    node.restart === 0 &&
    world.keyBy !== index &&
    !hasLateClaim(world, index)
  )
}

function isUsed(world: World, node: NodeState): boolean {
  const { lease } = node
  if (node.call === Call.won) return true
  if (lease === NO_LEASE) return false
  if (world.keyLease === lease || node.callLease === lease || node.entry === lease) return true
  for (const change of world.changes) if (change.lease === lease) return true
  for (const request of world.late) if (request.lease === lease) return true
  return false
}

function dropRobbed(world: World): void {
  world.robbed = world.robbed.filter((token) => believesIn(world, token))
}

function dropChanges(world: World): void {
  const { nodes } = world
  let needed = 0
  let compares = false
  for (const node of nodes) {
    if (node.pending > needed) needed = node.pending
    if (node.callBehind > needed) needed = node.callBehind
    if (node.call === Call.proposed) compares = true
  }
  if (world.changes.length > needed) {
    world.changes = world.changes.slice(world.changes.length - needed)
  }
  const { changes } = world
  let known: Change[] | null = null
  for (const node of nodes) {
    if (node.revision === 0 || node.revision === OTHER_HISTORY) continue
    const oldest = changes[changes.length - node.pending]
    const knowsNewer = node.pending > 0 && oldest !== undefined && oldest.revision <= node.revision
    // All that will come is newer, so any lower revision does as well.
    if (!knowsNewer && node.call !== Call.proposed) node.revision = 0
    else compares = true
  }
  for (let at = 0; at < changes.length; at += 1) {
    const change = changes[at]
    if (change === undefined) continue
    const { by } = change
    const author = nodes[by]
    const age = changes.length - at
    const isRecord = by !== VACANT && by !== JUNK
    const isAwaitedByAuthor =
      author !== undefined && (author.pending >= age || author.callBehind >= age)
    // To everybody else it is a record of another node, whoever that is.
    const isKnown = isRecord && isAwaitedByAuthor
    const knownBy = isKnown || !isRecord ? by : GONE
    const value = isKnown ? change.value : 0
    const token = isKnown ? change.token : 0
    const revision = compares ? change.revision : 0
    const lease = isKnown ? change.lease : NO_LEASE
    const isSame =
      lease === change.lease &&
      knownBy === by &&
      value === change.value &&
      token === change.token &&
      revision === change.revision
    if (!isSame) {
      known ??= changes.slice()
      known[at] = { by: knownBy, value, token, revision, leaving: change.leaving, lease }
    }
  }
  if (known !== null) world.changes = known
}

/** Gives changes without a revision new ones, in their order. */
export function renumberChanges(world: World): void {
  world.changes = world.changes.map((change) => {
    if (change.revision !== 0) return change
    world.lastRevision += 1
    return { ...change, revision: world.lastRevision }
  })
}
