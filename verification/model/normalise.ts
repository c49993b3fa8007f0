/**
 * Makes worlds equal that no step can ever tell apart. Every rule here says why that is so; without
 * them there would be many times as many worlds, and not one more that differs in what can happen.
 */
import { goOn } from './go-on.js'
import type { Setting } from './tell.js'
import {
  Call,
  dropSession,
  forgetRenewal,
  GONE,
  hasLateClaim,
  isClearing,
  isLeading,
  isStopped,
  JUNK,
  knowsHistory,
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
  const staleReleasesMatter = laws.releasesWithoutCompare
  // A record under a lease that nothing stands under any more may be in a backup.
  const idleSessionsMatter = resets || laws.expiresEarly || laws.claimsWithoutLease

  function normaliseNode(world: World, index: number, node: NodeState): void {
    const { keyToken } = world
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
      }
      // The same with one that is yet to be released.
      if (!isLeading(node) && !isClearing(node) && node.seenToken === 0) node.seen = Seen.nobody
    }
    // What is looked for is not there and will not come. What is yet to fail will be noted by itself.
    if (node.unanswered === 1 && world.keyBy !== index && !hasLateClaim(world, index)) {
      if (node.leaf !== Leaf.settling) node.unanswered = 0
    }
    if (!idleSessionsMatter && !isLeading(node) && node.session !== Session.none) {
      // A fresh session serves as well as one that nothing was done with, as far as a claim goes: it
      // can be sent, and refused, under either. A follower's may end all the same.
      if (!isUsed(world, node)) dropSession(node)
    }
    if (isStopped(node) && goOn(world, index, node, setting)) normaliseNode(world, index, node)
  }

  return (world) => {
    const { nodes } = world
    dropLate(world, staleReleasesMatter)
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

/** Whether nothing is left of what a stopped node ever did. */
function isBare(world: World, index: number, node: NodeState): boolean {
  return (
    node.call === Call.none &&
    node.session === Session.none &&
    node.restart === 0 &&
    world.keyBy !== index &&
    !hasLateClaim(world, index)
  )
}

function isUsed(world: World, node: NodeState): boolean {
  const { lease } = node
  if (node.call === Call.won) return true
  if (lease === NO_LEASE) return false
  return (
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
