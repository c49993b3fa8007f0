/**
 * Makes worlds equal that no step can ever tell apart. Every rule here says why that is so; without
 * them there would be many times as many worlds, and not one more that differs in what can happen.
 */
import type { Laws } from './faults.js'
import {
  Call,
  dropSession,
  forgetRenewal,
  GONE,
  hasLateClaim,
  isHeldByAnother,
  isLeading,
  isStopped,
  JUNK,
  knowsHistory,
  Leaf,
  NO_LEASE,
  type NodeState,
  OTHER_HISTORY,
  Seen,
  Session,
  Term,
  VACANT,
  type World,
} from './world.js'

export type Normalise = (world: World) => void

/** The rules that hold under `laws`; `revokes` says whether leases of living sessions can be lost. */
export function normaliserFor(laws: Laws, revokes: boolean): Normalise {
  // Where a release deletes whatever it finds, even one that comes too late is not without effect.
  const staleReleasesMatter = laws.releasesWithoutCompare
  const idleSessionsMatter =
    revokes || laws.expiresEarly || laws.claimsWithoutLease || laws.keepsSessionAfterReset
  return (world) => {
    const { keyToken, nodes } = world
    dropLate(world, staleReleasesMatter)
    let awaited = 0
    for (let index = 0; index < nodes.length; index += 1) {
      const node = nodes[index]
      if (node === undefined) continue
      // Only a leader relies on validity that has ended: all else look at the clock first.
      if (node.session === Session.ended && !isLeading(node)) node.session = Session.none
      // Only of leaders' sessions is it followed how they are renewed.
      if (!isLeading(node)) forgetRenewal(node)
      // Its member is in the current term, so that one older term answers as another.
      if (node.asksDeposed === 0 && node.knownTerm === Term.older) node.knownTerm = Term.before
      if (node.call === Call.won) {
        if (node.callToken <= world.elected) awaited = world.elected
      } else if (node.callToken !== keyToken) node.callToken = 0
      if (!isLeading(node) && node.seenToken !== keyToken) node.seenToken = 0
      if (isStopped(node)) forgetForGood(node)
      if (!staleReleasesMatter && node.callToken === 0) {
        // The reign is over: carried out or not, the request changes nothing.
        if (node.call === Call.clean || node.call === Call.heldByOwn) node.call = Call.cleaned
        if (node.call === Call.leave) node.call = Call.left
      }
      // A doubt about nothing finds nothing. What is yet to fail will be doubted by itself.
      if (node.doubt === 1 && world.keyBy !== index && !hasLateClaim(world, index)) node.doubt = 0
      if (!idleSessionsMatter && !isLeading(node) && node.session === Session.valid) {
        if (!isUsed(world, node)) {
          // A fresh session serves as well as one that nothing was done with.
          dropSession(node)
        }
      }
      // To a node that knows nothing of a history it is all the same which one it is.
      if (node.outdated === 1 && !knowsHistory(node)) node.outdated = 0
      // Both only wait for a user who starts them.
      if (node.leaf === Leaf.released && isBare(world, index, node)) node.leaf = Leaf.idle
    }
    // An answer to a claim brings the token of then; any later token is the store's next.
    world.elected = awaited
    if (world.robbed.length > 0) dropRobbed(world)
    dropChanges(world)
    world.keyRevision = 0
  }
}

/** The store refuses these whenever they come. */
function dropLate(world: World, staleReleasesMatter: boolean): void {
  if (world.late.length === 0) return
  const { keyToken, keyBy } = world
  world.late = world.late.filter(({ kind, lease, token }) => {
    if (kind === Call.claim) return lease !== NO_LEASE
    if ((kind === Call.clean || kind === Call.leave) && staleReleasesMatter) return true
    return token === keyToken && keyBy !== VACANT && keyBy !== JUNK
  })
}

/** A stopped node asks of the answer to its claim only whether there is something to release. */
function forgetForGood(node: NodeState): void {
  if (node.call === Call.won) node.call = Call.heldByOwn
  if (isHeldByAnother(node.call)) node.call = Call.heldByOther
  node.callBehind = 0
  if (node.call === Call.heldByOwn) {
    node.callLease = NO_LEASE
    node.callValue = 0
  }
  if (node.leaf === Leaf.released) {
    node.seen = Seen.nobody
    node.seenToken = 0
  }
}

/** Whether nothing is left of what a stopped node ever did. */
function isBare(world: World, index: number, node: NodeState): boolean {
  return (
    node.call === Call.none &&
    node.session === Session.none &&
    world.keyBy !== index &&
    !hasLateClaim(world, index)
  )
}

function isUsed(world: World, node: NodeState): boolean {
  const { lease } = node
  return (
    node.call === Call.won ||
    world.keyLease === lease ||
    node.callLease === lease ||
    world.late.some((request) => request.lease === lease)
  )
}

function dropRobbed(world: World): void {
  world.robbed = world.robbed.filter((token) =>
    world.nodes.some(
      (node) =>
        (isLeading(node) && node.seenToken === token) ||
        (node.call === Call.won && node.callToken === token),
    ),
  )
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
    const isSame =
      knownBy === by &&
      value === change.value &&
      token === change.token &&
      revision === change.revision
    if (!isSame) changes[at] = { by: knownBy, value, token, revision, leaving: change.leaving }
  }
}

/** Gives changes without a revision new ones, in their order. */
export function renumberChanges(world: World): void {
  const { changes } = world
  for (let at = 0; at < changes.length; at += 1) {
    const change = changes[at]
    if (change === undefined || change.revision !== 0) continue
    world.lastRevision += 1
    changes[at] = { ...change, revision: world.lastRevision }
  }
}
