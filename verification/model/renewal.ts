/**
 * How a lease is renewed while raft changes its leader. A leader that was deposed and does not know
 * it yet answers renewals as well, and the store never hears of them: such a renewal must not count.
 *
 * A node counts one only if three answers tell the same raft term: one of the member that answered
 * the renewal, from before it was sent; the renewal's own, which is filled in after that member has
 * asked whom it takes for the raft leader, and so perhaps after it has learned of another one; and
 * one to a linearizable read that was sent afterwards.
 *
 * Terms are told by their age. One raft leader at a time may be deposed and not know it: the next is
 * elected when every member that a node renews by has heard of the one before. The rule looks at
 * nothing but the session, so that renewals of leaders' sessions stand for those of all.
 */
import type { Do } from './step.js'
import type { Setting } from './tell.js'
import { isLeader, NO_LEASE, type NodeState, Outdated, Renewal, Term, type World } from './world.js'

function isKeptAlive(node: NodeState): boolean {
  return isLeader(node) && node.lease !== NO_LEASE && node.outdated === Outdated.no
}

export function canElectRaftLeader(world: World): boolean {
  return world.nodes.every(({ asksDeposed }) => asksDeposed === 0) && world.nodes.some(isKeptAlive)
}

/** A new term begins, and no member that a node renews by has heard of it yet. */
export function electRaftLeader(world: World): void {
  for (const node of world.nodes) {
    if (!isLeader(node)) continue
    node.asksDeposed = 1
    node.knownTerm = Math.min(node.knownTerm + 1, Term.older)
  }
}

export function canRenew(node: NodeState): boolean {
  return isKeptAlive(node) && node.renewal === Renewal.none
}

export function renew(node: NodeState, { laws }: Setting): void {
  if (laws.readsTooEarly && node.knownTerm !== Term.current) {
    // The read that is sent with it tells another term than was known.
    if (node.asksDeposed === 0) node.knownTerm = Term.current
  } else {
    node.renewal = Renewal.sent
  }
}

/** The renewal, or what follows it, goes one step on. */
export function proceed(node: NodeState, setting: Setting): void {
  const { laws } = setting
  const { renewal, asksDeposed, knownTerm } = node
  const isKept = renewal === Renewal.kept || renewal === Renewal.readAfterKept
  switch (renewal) {
    case Renewal.sent:
      node.renewal = asksDeposed === 1 ? Renewal.unkept : Renewal.kept
      return
    case Renewal.kept:
    case Renewal.unkept: {
      const term = asksDeposed === 1 ? Term.before : Term.current
      node.knownTerm = term
      if (term !== knownTerm && !laws.ignoresTermBefore) node.renewal = Renewal.none
      else if (laws.countsUnconfirmedRenewals || laws.readsTooEarly) count(node, isKept)
      else node.renewal = isKept ? Renewal.readAfterKept : Renewal.readAfterUnkept
      return
    }
    case Renewal.readAfterKept:
    case Renewal.readAfterUnkept:
      // A read is answered in the current term. Only of its own member does it tell anything.
      if (asksDeposed === 0 || laws.takesAnyTermBefore) node.knownTerm = Term.current
      if (knownTerm === Term.current || laws.confirmsInAnyTerm) count(node, isKept)
      else node.renewal = Renewal.none
      return
  }
}

/** From now on the session is relied on as if the lease had been prolonged. */
function count(node: NodeState, isKept: boolean): void {
  node.renewal = Renewal.none
  node.unkept = isKept ? 0 : 1
}

/** What can happen to the renewal of a node's lease. */
export function forEachRenewalStep(
  index: number,
  node: NodeState,
  setting: Setting,
  doTo: Do,
): void {
  const at = (next: World) => next.nodes[index] ?? node
  if (node.asksDeposed === 1) {
    doTo('hearOfRaftLeader', index, true, (next) => {
      at(next).asksDeposed = 0
    })
  }
  if (canRenew(node)) doTo('renew', index, false, (next) => renew(at(next), setting))
  if (node.renewal !== Renewal.none) {
    doTo('proceedRenewal', index, true, (next) => proceed(at(next), setting))
    doTo('loseRenewal', index, false, (next) => {
      at(next).renewal = Renewal.none
    })
  }
}
