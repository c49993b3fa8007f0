/**
 * The world of the model: some nodes on one path, the store, and every request, answer and watch
 * event on its way between them. Plain numbers only, because millions of worlds are made.
 *
 * Revisions are kept as ranks: only their order matters, so each world numbers anew, from 1, those
 * that something in it still refers to. Leases are labels, of which only equality matters.
 */
import type { ElectionMachine } from '../../machines/election.js'
import { NOBODY } from './waiting.js'

/** Who wrote what stands at the path: the number of a node, or one of these. */
export const GONE = 5
export const JUNK = 6
export const VACANT = 7

/** A lease that no longer exists: the store refuses what names it. */
export const NO_LEASE = 0
/** What is attached to no lease at all never goes away by itself. */
export const ETERNAL = -1

export const Session = { none: 0, valid: 1, ended: 2 } as const

/** Who a machine sees at the path. Machines only ask whether it is themselves. */
export const Seen = { nobody: 0, me: 1, other: 2, junk: 3 } as const

/** A node's request as far as it has come; the answers follow their request. */
export const Call = {
  none: 0,
  claim: 1,
  won: 2,
  heldByOwn: 3,
  heldByOther: 4,
  heldByJunk: 5,
  leaseGone: 6,
  /** Deletes a reign of this node that it found at the path. */
  clean: 7,
  cleaned: 8,
  /** Deletes this node's reign because the node leaves. */
  leave: 9,
  left: 10,
  propose: 11,
  proposed: 12,
  reignOver: 13,
  /** As `heldByOther`, by one that has given notice. */
  heldByLeaving: 14,
  /** Carried out on another history than its sender knew, which the answer shows. */
  ofOtherHistory: 15,
  /** Enters the node as candidate, or takes its new value to its entry. */
  enqueue: 16,
  entered: 17,
  /** Installs a candidate in place of this node. */
  handOver: 18,
  handedOver: 19,
  declined: 20,
  /** Takes this node's entry away because the node leaves. */
  withdraw: 21,
  /** Asks who waits, and what has been told. */
  list: 23,
  listed: 24,
  /** Asks about the leases of some of those. */
  check: 25,
  /** A transaction of the leader's work, guarded by its reign. Its node waits for no answer. */
  guard: 22,
} as const

export function isRequest(call: number): boolean {
  switch (call) {
    case Call.claim:
    case Call.clean:
    case Call.leave:
    case Call.propose:
    case Call.enqueue:
    case Call.handOver:
    case Call.withdraw:
    case Call.list:
    case Call.check:
      return true
    default:
      return false
  }
}

/** A question, which changes nothing in the store whenever it is carried out. */
export function isQuestion(call: number): boolean {
  return call === Call.list || call === Call.check
}

/** An answer that tells what stands at the path. */
export function isStanding(call: number): boolean {
  return call === Call.won || call === Call.heldByOwn || isHeldByAnother(call)
}

/** A claim, or the answer to one. */
export function isClaim(call: number): boolean {
  return (
    (call >= Call.claim && call <= Call.leaseGone) ||
    call === Call.heldByLeaving ||
    call === Call.ofOtherHistory
  )
}

export function isHeldByAnother(call: number): boolean {
  return call === Call.heldByOther || call === Call.heldByLeaving || call === Call.heldByJunk
}

/** The renewal of a session’s lease as far as it has come. */
export const Renewal = {
  none: 0,
  sent: 1,
  /** The raft leader has prolonged the lease; the answer is not given yet. */
  kept: 2,
  /** One that was deposed has, and the store never hears of it. */
  unkept: 3,
  /** Its answer has come, and a linearizable read is on its way. */
  readAfterKept: 4,
  readAfterUnkept: 5,
} as const

/** How many raft terms ago; what is older than the term before is all alike. */
export const Term = { current: 0, before: 1, older: 2 } as const

/** What no longer runs behind a machine. Nothing but a mistake makes either of the others. */
export const Inert = { nothing: 0, timers: 1, actor: 2 } as const

/** Whether a node knows a history that was replaced. */
export const Outdated = {
  no: 0,
  /** What it has going on will tell it. */
  hears: 1,
  /** Nothing tells it: only a watch is left of the history before, or what was opened afterwards. */
  silent: 2,
} as const

/** A revision of a history that was replaced: higher than all that its node will hear of. */
export const OTHER_HISTORY = 63

export interface NodeState {
  /** The machine: its state (an index into LEAVES) and what matters of its context. */
  leaf: number
  restart: number
  value: number
  revision: number
  seen: number
  seenValue: number
  seenToken: number
  /** Whether the holder that a follower sees has stood down. */
  seenLeaving: number
  /**
   * Whether a request under the lease of the session it has had no answer. One under the lease of a
   * session that is over counts as none: `settle` says `settled` of it at once.
   */
  unanswered: number
  /** Whether it knows of an entry as candidate, under the session that it has and with the value that it has. */
  entered: number
  /** The lease that its entry stands under in the store, and the value in it. */
  entry: number
  entryValue: number
  /** The process: its session, with the session's lease. */
  session: number
  lease: number
  /** How many of the latest changes the node's watch has still to bring. */
  pending: number
  /** The request or answer on its way. */
  call: number
  callToken: number
  callLease: number
  callValue: number
  callRevision: number
  /** How many changes there were after the revision of the answer; they are its watch's to bring. */
  callBehind: number
  /** Whom a hand-over installs; of a claim that has lost, whether it has entered the node. */
  callTo: number
  /** Who waits as far as it has been told, while it is to choose one of them. */
  waiting: number
  /** The renewal of its session's lease on its way. */
  renewal: number
  /** Whether the member that renews the lease takes a deposed raft leader for the leader. */
  asksDeposed: number
  /** The raft term in which that member was when it last answered this node. */
  knownTerm: number
  /** Whether the session is relied on for longer than the store keeps its lease. */
  unkept: number
  /** Whether the store's history was replaced and the node has not heard of it, and whether it will. */
  outdated: number
  inert: number
}

export interface Change {
  readonly by: number
  readonly value: number
  readonly token: number
  /** 0 when it is newer than whatever it can be compared with. */
  readonly revision: number
  /** Whether it is the notice of a node that leaves. */
  readonly leaving: boolean
  /** The lease under which it was handed the path; `NO_LEASE` for whatever else. */
  readonly lease: number
}

/** Of a change: the lease was its node's at the end, and is gone while the session is valid. */
export const REVOKED = -2

/** A request that nobody waits for any more, and that may still be carried out. */
export interface Late {
  readonly kind: number
  readonly by: number
  readonly lease: number
  readonly value: number
  readonly token: number
  /** Whether the path's key has stood there ever since that reign, by whomever. */
  readonly isSameKey: boolean
}

/** What a step may not do, whatever world it leads to. */
export type BrokenRule =
  /** A node was elected with a token that is not higher than all before. */
  | 'token not higher'
  /** What an operator wrote to the path was deleted by a node. */
  | 'junk deleted'
  /** A value that a node proposed in one reign was written in a later one of that node. */
  | 'value of an earlier reign'
  /** A transaction that was guarded by a reign was carried out in another. */
  | 'transaction of an earlier reign'
  /** One whose lease had missed a renewal was chosen, though another was known to be in time. */
  | 'overdue candidate chosen'

export interface World {
  nodes: NodeState[]
  keyBy: number
  keyValue: number
  keyToken: number
  keyRevision: number
  keyLease: number
  /** Whether the record carries the notice of a node that leaves. */
  keyLeaving: boolean
  /** The lease of an entry whose instance is gone, if there is one. */
  ghost: number
  /**
   * The latest changes, as far back as some watch has still to bring them. Copies of a world share
   * this list and the others: they are replaced, and never changed.
   */
  changes: readonly Change[]
  late: readonly Late[]
  /** The reigns that an operator ended and a node still believes in. */
  robbed: readonly number[]
  /** The highest token a node was elected with. */
  elected: number
  /** What a step did that no world may show, or ''. */
  broken: BrokenRule | ''
  /** The last revision and the last lease given out; both are found anew in each stored world. */
  lastRevision: number
  lastLease: number
}

export const LEAVES = [
  'idle',
  'campaigning.claiming',
  'campaigning.clearing',
  'campaigning.waiting',
  'campaigning.yielding',
  'leader.holding',
  'leader.proposing',
  'leader.waiting',
  'follower.following',
  'follower.enqueueing',
  'follower.pausing',
  'follower.reopening',
  'follower.waiting',
  'stopped.withdrawing',
  'stopped.draining',
  'stopped.listing',
  'stopped.choosing.checking',
  'stopped.handingOver',
  'stopped.releasing',
  'stopped.leaving',
  'stopped.settling',
  'stopped.clearing',
  'stopped.released',
] as const

export const Leaf = {
  idle: 0,
  claiming: 1,
  clearing: 2,
  waiting: 3,
  yielding: 4,
  holding: 5,
  proposing: 6,
  /** As leader. */
  rewaiting: 7,
  following: 8,
  enqueueing: 9,
  pausing: 10,
  reopening: 11,
  /** As follower. */
  waitingToReopen: 12,
  withdrawing: 13,
  draining: 14,
  listing: 15,
  checking: 16,
  handingOver: 17,
  releasing: 18,
  leaving: 19,
  settling: 20,
  /** As a node that has stopped. */
  clearingUp: 21,
  released: 22,
} as const

export type Machine = ElectionMachine

export function isLeading(node: NodeState): boolean {
  return node.leaf >= Leaf.holding && node.leaf <= Leaf.rewaiting
}

export function isWatching(node: NodeState): boolean {
  return node.leaf >= Leaf.holding && node.leaf <= Leaf.waitingToReopen
}

export function isFollower(node: NodeState): boolean {
  return node.leaf >= Leaf.following && node.leaf <= Leaf.waitingToReopen
}

export function isStopped(node: NodeState): boolean {
  return node.leaf >= Leaf.withdrawing
}

/** Whether the node deletes, as its state says, what it takes for a record that was left of it. */
export function isClearing(node: NodeState): boolean {
  return node.leaf === Leaf.clearing || node.leaf === Leaf.clearingUp
}

/** A follower that relies on its session, and so can be installed. */
export function isCandidate(node: NodeState): boolean {
  return node.leaf >= Leaf.following && node.leaf <= Leaf.pausing
}

/** Whether the node takes part, or will once it has finished stopping. */
export function isStarted(node: NodeState): boolean {
  return node.leaf !== Leaf.idle && (!isStopped(node) || node.restart === 1)
}

/** Whether `isLeader` would be true: it asks the session at the moment it is read. */
export function isLeader(node: NodeState): boolean {
  return isLeading(node) && node.session === Session.valid
}

/** Whether the node knows anything of the store's history, which may be replaced. */
export function knowsHistory(node: NodeState): boolean {
  return node.session !== Session.none || node.call !== Call.none || isWatching(node)
}

/** A request of the node, given up long ago, that the store may still carry out, and by which it comes to stand there. */
export function hasLateClaim(world: World, index: number): boolean {
  for (const { kind, by } of world.late) {
    if ((kind === Call.claim || kind === Call.enqueue) && by === index) return true
  }
  return false
}

/** The lease that the entry of a candidate stands under. */
export function entryOf(world: World, by: number): number {
  return by === GONE ? world.ghost : (world.nodes[by]?.entry ?? NO_LEASE)
}

export function isHolder(world: World, index: number): boolean {
  const node = world.nodes[index]
  return world.keyBy === index && node !== undefined && world.keyToken === node.seenToken
}

/** Whether the reign with that token lasts, as far as the store knows. */
export function isReign({ keyBy, keyToken }: World, token: number): boolean {
  return keyBy !== VACANT && keyBy !== JUNK && token !== 0 && keyToken === token
}

/** Whether a node leads by the reign with that token, or will once it hears what is on its way to it. */
export function believesIn(world: World, token: number): boolean {
  return world.nodes.some(
    (node, index) =>
      (isLeading(node) && node.seenToken === token) ||
      (node.call === Call.won && node.callToken === token) ||
      world.changes
        .slice(-Math.max(node.pending, node.callBehind) || world.changes.length)
        .some((change) => change.by === index && change.token === token),
  )
}

export function newNode(): NodeState {
  return {
    leaf: Leaf.idle,
    restart: 0,
    value: 0,
    revision: 0,
    seen: Seen.nobody,
    seenValue: 0,
    seenToken: 0,
    seenLeaving: 0,
    unanswered: 0,
    entered: 0,
    entry: NO_LEASE,
    entryValue: 0,
    session: Session.none,
    lease: NO_LEASE,
    pending: 0,
    call: Call.none,
    callToken: 0,
    callLease: NO_LEASE,
    callValue: 0,
    callRevision: 0,
    callBehind: 0,
    callTo: 0,
    waiting: NOBODY,
    renewal: Renewal.none,
    asksDeposed: 0,
    knownTerm: Term.current,
    unkept: 0,
    outdated: Outdated.no,
    inert: Inert.nothing,
  }
}

export function newWorld(nodes: number): World {
  return {
    nodes: Array.from({ length: nodes }, newNode),
    keyBy: VACANT,
    keyValue: 0,
    keyToken: 0,
    keyRevision: 0,
    keyLease: NO_LEASE,
    keyLeaving: false,
    ghost: NO_LEASE,
    changes: [],
    late: [],
    robbed: [],
    elected: 0,
    broken: '',
    lastRevision: 0,
    lastLease: 0,
  }
}

export function copyWorld(world: World): World {
  const copy = newWorld(world.nodes.length)
  copyInto(copy, world)
  return copy
}

/** Makes `copy`, which has as many nodes, the same as `world`: one copy may so be used many times. */
export function copyInto(copy: World, world: World): void {
  for (let index = 0; index < world.nodes.length; index += 1) {
    const node = world.nodes[index]
    const copied = copy.nodes[index]
    if (node !== undefined && copied !== undefined) copyNode(copied, node)
  }
  copy.keyBy = world.keyBy
  copy.keyValue = world.keyValue
  copy.keyToken = world.keyToken
  copy.keyRevision = world.keyRevision
  copy.keyLease = world.keyLease
  copy.keyLeaving = world.keyLeaving
  copy.ghost = world.ghost
  copy.changes = world.changes
  copy.late = world.late
  copy.robbed = world.robbed
  copy.elected = world.elected
  copy.broken = world.broken
  copy.lastRevision = world.lastRevision
  copy.lastLease = world.lastLease
}

/** Field by field, which is by far the fastest: it is done for every step. */
function copyNode(copy: NodeState, node: NodeState): void {
  copy.leaf = node.leaf
  copy.restart = node.restart
  copy.value = node.value
  copy.revision = node.revision
  copy.seen = node.seen
  copy.seenValue = node.seenValue
  copy.seenToken = node.seenToken
  copy.seenLeaving = node.seenLeaving
  copy.unanswered = node.unanswered
  copy.entered = node.entered
  copy.entry = node.entry
  copy.entryValue = node.entryValue
  copy.session = node.session
  copy.lease = node.lease
  copy.pending = node.pending
  copy.call = node.call
  copy.callToken = node.callToken
  copy.callLease = node.callLease
  copy.callValue = node.callValue
  copy.callRevision = node.callRevision
  copy.callBehind = node.callBehind
  copy.callTo = node.callTo
  copy.waiting = node.waiting
  copy.renewal = node.renewal
  copy.asksDeposed = node.asksDeposed
  copy.knownTerm = node.knownTerm
  copy.unkept = node.unkept
  copy.outdated = node.outdated
  copy.inert = node.inert
}

/** There is no session any more: nothing renews its lease. */
export function dropSession(node: NodeState, session: number = Session.none): void {
  node.session = session
  node.lease = NO_LEASE
  // What was left under its lease goes with it.
  node.unanswered = 0
  node.entered = 0
  node.unkept = 0
  forgetRenewal(node)
}

export function openSession(world: World, node: NodeState): void {
  world.lastLease += 1
  dropSession(node, Session.valid)
  node.lease = world.lastLease
}

export function forgetRenewal(node: NodeState): void {
  node.renewal = Renewal.none
  node.asksDeposed = 0
  node.knownTerm = Term.current
}

export function endCall(node: NodeState): void {
  node.call = Call.none
  node.callToken = 0
  node.callLease = NO_LEASE
  node.callValue = 0
  node.callRevision = 0
  node.callBehind = 0
  node.callTo = 0
}
