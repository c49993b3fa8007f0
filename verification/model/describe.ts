/** Steps and worlds in words. */
import { candidatesFor } from './node.js'
import { FORGOTTEN, type Step, type StepName, UNSENT, USER_ASKS } from './step.js'
import { knownTo } from './steps.js'
import { Answer, ordersOf, waitingAt } from './waiting.js'
import {
  Call,
  ETERNAL,
  GONE,
  Inert,
  isFollower,
  isLeader,
  isLeading,
  JUNK,
  LEAVES,
  NO_LEASE,
  type NodeState,
  Outdated,
  Renewal,
  Session,
  Term,
  VACANT,
  type World,
} from './world.js'

export function nameOf(by: number): string {
  if (by === GONE) return 'a crashed process'
  if (by === JUNK) return 'an operator'
  return 'ABC'[by] ?? '?'
}

/** The latest first. */
function namesOf(candidates: readonly number[] = []): string {
  return candidates.map(nameOf).join(', ') || 'nobody'
}

const REQUESTS: Readonly<Record<number, string>> = {
  [Call.claim]: 'claim',
  [Call.clean]: 'release',
  [Call.leave]: 'release',
  [Call.propose]: 'write of its value',
  [Call.enqueue]: 'entry as candidate',
  [Call.handOver]: 'hand-over',
  [Call.withdraw]: 'deletion of its entry',
  [Call.guard]: 'guarded transaction',
  [Call.list]: 'question who waits',
  [Call.check]: 'question who is in time',
}

function requestOf(call: number): string {
  return REQUESTS[call] ?? 'request'
}

const ANSWERS: Readonly<Record<number, string>> = {
  [Call.won]: 'claim won',
  [Call.heldByOwn]: 'path held by a record of its own',
  [Call.heldByOther]: 'path held by another',
  [Call.heldByLeaving]: 'path held by another that leaves',
  [Call.heldByJunk]: 'path held by junk',
  [Call.leaseGone]: 'lease gone',
  [Call.cleaned]: 'released',
  [Call.left]: 'released',
  [Call.proposed]: 'value written',
  [Call.reignOver]: 'reign over',
  [Call.entered]: 'entered',
  [Call.listed]: 'who waits',
  [Call.handedOver]: 'handed over',
  [Call.declined]: 'nobody installed',
  [Call.ofOtherHistory]: 'answer of another history',
}

const CHECKED: Readonly<Record<number, string>> = {
  [Answer.inTime]: 'renewed in time',
  [Answer.overdue]: 'a renewal was missed',
  [Answer.silence]: 'no answer',
}

const TERMS: Readonly<Record<number, string>> = {
  [Term.current]: 'the current raft term',
  [Term.before]: 'the raft term before',
  [Term.older]: 'an older raft term',
}

/** The answer that has just been given. One that was heard at once shows in what became of its node. */
function answerOf({ call }: NodeState): string {
  const answer = ANSWERS[call]
  return answer === undefined ? '' : `: ${answer}`
}

/** Steps before which a user may have changed their mind. */
const MEANWHILE: ReadonlySet<StepName> = new Set(['carryOut', 'loseAnswer', 'delay', 'lose'])

/** What `step` was, between these two worlds. */
export function describeStep(step: Step, before: World, after: World): string {
  const node = before.nodes[step.node]
  const next = after.nodes[step.node]
  if (node === undefined || next === undefined) return describeOther(step, before, after)
  const meanwhile = step.which >= USER_ASKS && MEANWHILE.has(step.name)
  const change = node.restart === 1 ? 'is to stay stopped; ' : 'is to start again; '
  const text = `${meanwhile ? change : ''}${describeAt(step, node, next, before, after)}`
  const moved = node.leaf === next.leaf ? '' : `  (${LEAVES[node.leaf]} -> ${LEAVES[next.leaf]})`
  return `${nameOf(step.node)}: ${text}${moved}`
}

function describeAt(
  step: Step,
  node: NodeState,
  next: NodeState,
  before: World,
  after: World,
): string {
  switch (step.name) {
    case 'start':
      return 'the user starts it'
    case 'stop':
      return step.which === UNSENT
        ? 'the user stops it, before it has sent its claim'
        : 'the user stops it'
    case 'workFailed':
      return 'its work throws'
    case 'propose':
      return `the user proposes value ${next.value}`
    case 'guard':
      return 'its work sends a guarded transaction'
    case 'crash':
      return 'the process crashes and comes back as a new instance'
    case 'noSession':
      return `no session can be had${isFollower(node) ? '' : ': the claim fails'}`
    case 'send':
      return node.session !== next.session
        ? 'gets a new session and sends a claim'
        : `sends a ${requestOf(next.call)}`
    case 'transfer':
      return 'the user has it hand over'
    case 'drained':
      return 'its work has ended, and it does not know who waits'
    case 'known':
      return `its work has ended, and it knows who waits: ${namesOf(knownTo(before, step.node)[step.which])}`
    case 'list':
      return `the store tells it who waits: ${namesOf(ordersOf(candidatesFor(before, step.node))[step.which])}`
    case 'check':
      return `hears of ${nameOf(waitingAt(node.waiting, step.which >> 2))}: ${CHECKED[step.which & 3]}`
    case 'untilListed':
      return 'it takes too long to learn who waits'
    case 'untilChosen':
      return 'it takes too long to learn who is in time'
    case 'giveNotice':
      return `the store writes its notice that it leaves${keyChange(before, after)}`
    case 'carryOut':
      return `the store answers its ${requestOf(node.call)}${answerOf(next)}${step.which === FORGOTTEN ? ' (its own, that it does not know for its own)' : ''}${keyChange(before, after)}`
    case 'answer':
      return `hears: ${ANSWERS[node.call]}${followUp(node, next)}`
    case 'lose':
      return ANSWERS[node.call] === undefined
        ? `its ${requestOf(node.call)} is lost, and fails`
        : `the answer "${ANSWERS[node.call]}" is lost, and the request fails`
    case 'loseAnswer':
      return `its ${requestOf(node.call)} is carried out${keyChange(before, after)}, but the answer is lost, and it fails`
    case 'delay':
      return `its ${requestOf(node.call)} has no answer in time and fails, but is still on its way`
    case 'backoff':
      return 'the backoff has passed'
    case 'courtesy':
      return 'the courtesy has passed'
    case 'reopen':
      return 'gets another session'
    case 'look':
      return describeLook(step, before)
    case 'watch':
      return `its watch brings: ${describeChange(before, node)}`
    case 'compact':
      return 'its watch finds the history compacted and reads the path'
    case 'endValidity':
      return isLeading(node) ? 'validity ends, and the process has not noticed' : 'validity ends'
    case 'notice':
      return 'the process notices that validity has ended'
    case 'expire':
      return `the store expires its valid lease${keyChange(before, after)}`
    case 'revive':
      return 'a late renewal makes its session valid again'
    case 'leaseGone':
      return 'a renewal finds the lease gone'
    case 'operatorRevokes':
      return `an operator revokes its lease${keyChange(before, after)}`
    case 'renew':
      return next.renewal === Renewal.none
        ? 'sends a renewal and a read, which tells of a new raft term'
        : 'sends a renewal of its lease'
    case 'proceedRenewal':
      return describeRenewal(node, next)
    case 'loseRenewal':
      return 'its renewal is lost'
    case 'hearOfRaftLeader':
      return 'the member that renews its lease hears of the new raft leader'
    case 'hearReset':
      return `hears that the history was replaced${isFollower(next) && next.leaf !== node.leaf ? ', and then an answer from before' : ''}`
    case 'throw':
      return 'an exception ends its actor'
    case 'restoreActor':
      return `its process ends, and a new one restores it from a snapshot in ${LEAVES[step.which]}`
    default:
      return step.name
  }
}

function describeLook(step: Step, { keyBy }: World): string {
  if (keyBy === VACANT) return 'looks at the path, and finds it vacant'
  if (keyBy === JUNK) return 'looks at the path, and finds junk'
  const of = keyBy === step.node ? 'its own' : 'another node'
  return `looks at the path, and finds a record of ${of}${step.which === FORGOTTEN ? ', that it does not know for its own' : ''}`
}

function describeRenewal(node: NodeState, next: NodeState): string {
  const known = TERMS[node.knownTerm]
  switch (node.renewal) {
    case Renewal.sent:
      return next.renewal === Renewal.kept
        ? 'the raft leader prolongs its lease'
        : 'a raft leader that was deposed prolongs its lease, and the store never hears of it'
    case Renewal.kept:
    case Renewal.unkept: {
      const answered = `its renewal is answered in ${TERMS[next.knownTerm]}`
      if (next.renewal !== Renewal.none) return `${answered}, and it sends a read`
      const counts = next.unkept === 1 || node.knownTerm === next.knownTerm
      return `${answered}, ${counts ? 'and counts' : `not in ${known}, and does not count`}`
    }
    default: {
      const counts = next.unkept === 1 || node.knownTerm === Term.current
      return `a read answers in the current raft term: its renewal, in ${known}, ${counts ? 'counts' : 'does not count'}`
    }
  }
}

function followUp(node: NodeState, next: NodeState): string {
  if (node.call === Call.won && isLeading(next)) return ` with token ${node.callToken}`
  if (node.call === Call.ofOtherHistory) return ', and so that the history was replaced'
  if (node.call === Call.won && next.call === Call.none) return ', after validity ended: given up'
  return REQUESTS[next.call] === undefined ? '' : `, and sends a ${requestOf(next.call)}`
}

function describeOther(step: Step, before: World, after: World): string {
  const late = before.late[step.which]
  switch (step.name) {
    case 'carryOutLate': {
      const request = requestOf(late?.kind ?? 0)
      return `the store carries out a late ${request}${late?.kind === Call.claim ? ` of ${nameOf(late.by)}` : ''}${keyChange(before, after)}`
    }
    case 'giveLateNotice':
      return `the store writes the late notice of a node that leaves${keyChange(before, after)}`
    case 'dropLate':
      return `a late ${requestOf(late?.kind ?? 0)} is lost for good`
    case 'expireOld':
      return `the store expires a lease that nobody renews${keyChange(before, after)}`
    case 'operatorDeletes':
      return `an operator deletes what stands at the path${keyChange(before, after)}`
    case 'electRaftLeader':
      return 'raft elects a new leader, and the one before does not know it yet'
    case 'loseHistory':
      return 'the store loses its data [path: vacant]'
    case 'restoreHistory':
      return `the store is restored to what it was before [path: ${describeKey(after)}]`
    case 'operatorWrites':
      return `an operator writes junk to the path${keyChange(before, after)}`
    default:
      return step.name
  }
}

function keyChange(before: World, after: World): string {
  if (before.lastRevision === after.lastRevision) return ''
  return ` [path: ${describeKey(after)}]`
}

function describeKey(world: World): string {
  if (world.keyBy === VACANT) return 'vacant'
  if (world.keyBy === JUNK) return 'junk'
  const lease = world.keyLease === ETERNAL || world.keyLease === NO_LEASE ? ', no lease' : ''
  return `${nameOf(world.keyBy)}, value ${world.keyValue}, token ${world.keyToken}${lease}${world.keyLeaving ? ', leaving' : ''}`
}

function describeChange(world: World, node: NodeState): string {
  const change = world.changes[world.changes.length - node.pending]
  if (change === undefined) return 'nothing'
  if (change.by === VACANT) return 'vacant'
  if (change.by === JUNK) return 'junk'
  const leaving = change.leaving ? ', leaving' : ''
  if (change.by === GONE) return `another node's record${leaving}`
  return `${nameOf(change.by)}, value ${change.value}, token ${change.token}${leaving}`
}

function describeSession(node: NodeState): string {
  if (node.session === Session.valid) return 'session valid'
  if (node.session === Session.ended) return 'validity ended, not noticed'
  // One that nothing was done with is not told from none.
  return isLeading(node) ? 'no session' : 'no session in use'
}

export function describeWorld(world: World): string {
  const nodes = world.nodes.map((node, index) => {
    const parts = [LEAVES[node.leaf], describeSession(node)]
    if (isLeader(node)) parts.push('isLeader')
    if (node.unkept === 1) parts.push('its lease not kept for so long')
    if (node.outdated !== Outdated.no) {
      const never = node.outdated === Outdated.silent ? ', and does not' : ''
      parts.push(`has not heard that the history was replaced${never}`)
    }
    if (node.unanswered === 1) parts.push('a request had no answer')
    if (node.inert === Inert.timers) parts.push('without its timers')
    if (node.inert === Inert.actor) parts.push('its actor gone')
    if (node.entry !== NO_LEASE) parts.push('candidate')
    if (node.pending > 0) parts.push(`${node.pending} to be watched`)
    if (node.call !== Call.none) parts.push(ANSWERS[node.call] ?? `${requestOf(node.call)} sent`)
    return `${nameOf(index)}: ${parts.join(', ')}`
  })
  return [`path: ${describeKey(world)}`, ...nodes].join('\n')
}
