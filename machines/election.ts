/**
 * The election, whole: who campaigns, who leads, who follows, and what moves a node from one to the
 * other. Everything that decides stands in this file; everything that acts on the world is an
 * invoked service, provided from outside (`src/services/services.ts`). It does no I/O, reads no clock and
 * runs in a browser.
 *
 * Context and events are plain JSON, because inspectors print them: no credential, no client and
 * no function is ever in them.
 */
import { type ActorRefFrom, and, assign, emit, enqueueActions, fromCallback, setup } from 'xstate'
import { backoff } from './backoff.js'
import { equal } from './equal.js'
import type { Json } from './json.js'
import {
  amongKnown,
  amongListed,
  answered,
  batchOf,
  chosenOf,
  isBatchOver,
  isDecided,
  type Successor,
  type Waiting,
} from './successor.js'

export type { Json, Successor, Waiting }

/** What stands at the path. */
export interface Holder {
  /** The holder's id; `null` when what stands at the path is not a record. */
  readonly id: string | null
  /** The holder's value, or the raw text of what is not a record. */
  readonly value: Json
  /** The holder's own identity; `null` when what stands at the path is not a record. */
  readonly instance: string | null
  /** The store revision at which the holder was installed. */
  readonly token: number
  /** The lease the key is attached to; `null` when it is attached to none. */
  readonly session: string | null
  /** Whether the holder has stood down, and is about to vacate the path. */
  readonly released?: boolean
  /** The revision at which the path’s key came to be, where another holder has handed over to this one. */
  readonly created?: number
}

/** With what a node stands beside the path, under which lease. */
export interface Entered {
  readonly value: Json
  readonly lease: string
  /** The revision at which that was written. */
  readonly revision: number
}

/** An error as plain data. */
export interface Failure {
  readonly name: string
  readonly message: string
}

/** Why a node is no longer leader. */
export type DeselectReason =
  /** `stop()` was called. */
  | 'stopped'
  /** The validity of its session ended. */
  | 'expired'
  /** Its record was deleted. */
  | 'vacated'
  /** Something else stands at the path. */
  | 'overwritten'
  /** The store refused it for good. */
  | 'refused'
  /** The function given to `lead` threw. */
  | 'failed'
  /** The store's history was replaced: etcd lost its data, or was restored from a backup. */
  | 'reset'
  /** `transfer()` was called. */
  | 'transferred'

/** Who takes part in which election, and with what. */
export interface ElectionInput {
  readonly path: string
  readonly id: string
  readonly instance: string
  readonly value: Json
  /** In seconds, as asked for; the store may grant another. */
  readonly ttl: number
  /**
   * Whether no other actor has this instance, nor will have: then every record of it is this node's
   * own. Of an actor from which a snapshot may be restored that cannot be said. Default false.
   */
  readonly isSole?: boolean
}

/** What a node knows. Plain data, all of it. */
export interface ElectionContext extends ElectionInput {
  readonly isSole: boolean
  /** What stands at the path as far as this node knows; `null` when vacant or not known. */
  readonly holder: Holder | null
  /** The newest revision of the store's history this node has learned of. It never goes back. */
  readonly revision: number
  /** Attempts that failed since the last that did not; in `stopped`, looks that have found nothing. */
  readonly attempt: number
  /** The leases under which this actor has claimed, the latest two: older ones are long gone. */
  readonly leases: readonly string[]
  /** The latest lease with a request that had no answer: it may still be carried out, as long as that lives. */
  readonly unanswered: string | null
  /** Whether `start` came while the node was still stopping, or it stops only to hand over. */
  readonly restart: boolean
  /** With what it has entered as candidate, as far as it knows; `null` when it has not. */
  readonly entered: Entered | null
  /** To whom it is to hand over: an id, or `null` for whoever is next. */
  readonly to: string | null
  /** Whom it hands over to. */
  readonly successor: Successor | null
  /** Those of whom one is to be chosen for that, the latest first; nobody while none is. */
  readonly choosing: readonly Waiting[]
}

/**
 * What moves a node from one state to another: what its user asks for, and what its services
 * report.
 */
export type ElectionEvent =
  /** The user starts the node. */
  | { readonly type: 'start' }
  /** The user stops the node. */
  | { readonly type: 'stop' }
  /** The user, or an operator, has the leader hand over, to the candidate with that id if one is named. */
  | { readonly type: 'transfer'; readonly to: string | null }
  /** The user changes the node's value. */
  | { readonly type: 'propose'; readonly value: Json }
  /** The function given to `lead` threw. */
  | { readonly type: 'workFailed'; readonly error: Failure }
  /** The claim installed this node; `validityMs` is what was left of its session by then. */
  | { readonly type: 'won'; readonly holder: Holder; readonly validityMs: number }
  /** The claim, made under `lease`, found the path held; or so did a look for what it may have left. */
  | {
      readonly type: 'held'
      readonly holder: Holder
      readonly revision: number
      readonly lease: string
      /** With what the claim has entered the node as candidate, if it has. */
      readonly entered?: { readonly value: Json }
    }
  /** The node has entered as candidate, or the store knows no candidates. */
  | ({ readonly type: 'entered' } & Entered)
  /** A record that an earlier request of this node had left is gone. */
  | { readonly type: 'cleared' }
  /**
   * A request failed, and is worth repeating. With a `lease` it had no answer: it may have been carried
   * out all the same, under that lease, or may be yet.
   */
  | { readonly type: 'failed'; readonly error: Failure; readonly lease?: string }
  /** The store will never let this node do its part. */
  | { readonly type: 'refused'; readonly error: Failure }
  /** The watch saw a record, or something else, written at the path. */
  | { readonly type: 'changed'; readonly holder: Holder; readonly revision: number }
  /** The watch saw the path become vacant. */
  | { readonly type: 'vacated'; readonly revision: number }
  /** The session was renewed and is valid for `validityMs` from now. */
  | { readonly type: 'renewed'; readonly validityMs: number }
  /** The validity of the session ended. */
  | { readonly type: 'expired' }
  /** Another session is open, in place of a follower's own that had ended. */
  | { readonly type: 'opened' }
  /** The store's history was replaced by another: nothing of what was known is so any more. */
  | { readonly type: 'reset' }
  /** This actor was restored from a snapshot: it has no session, and its timers are gone. */
  | { readonly type: 'restored' }
  /** A renewal failed, or a watch was interrupted; either is repeated where it is made. */
  | { readonly type: 'retrying'; readonly error: Failure; readonly attempt: number }
  /** The new value is written. */
  | { readonly type: 'proposed'; readonly value: Json; readonly revision: number }
  /** The new value was not written: the reign is over, as the watch is about to tell. */
  | { readonly type: 'reignOver' }
  /** The store takes no value such as the new one (it is too large): the one before stays. */
  | { readonly type: 'valueRefused'; readonly error: Failure }
  /**
   * The leader's work has ended, or may no longer be waited for. Who waits, in the order in which they
   * entered, as the leader has been told up to a revision; `null` where that is not known. Without a
   * revision nobody ever waits, in a store that knows no candidates.
   */
  | {
      readonly type: 'drained'
      readonly waiting: readonly Successor[] | null
      readonly knownUpTo?: number
    }
  /** Who waits, in the order in which they entered, as the store says. */
  | { readonly type: 'listed'; readonly waiting: readonly Successor[] }
  /** Whether the lease of that one has missed a renewal; `null` if there was no answer. */
  | { readonly type: 'checked'; readonly instance: string; readonly isOverdue: boolean | null }
  /** The successor is installed. */
  | { readonly type: 'handedOver' }
  /** The successor was not installed: it has left or changed, or this reign is over. */
  | { readonly type: 'declined' }
  /** No claim is on its way. */
  | { readonly type: 'withdrawn' }
  /**
   * The record of this node is deleted, or nothing more can be done about it, and its entry is still to
   * go. With a `lease` the deletion had no answer, as in `failed`.
   */
  | { readonly type: 'deleted'; readonly lease?: string }
  /**
   * What stood there of this node is released, or nothing more can be done about it. With a `lease` the
   * release had no answer, as in `failed`.
   */
  | { readonly type: 'released'; readonly lease?: string }
  /** Nothing of this node can be left at the path, nor come there: the session of its requests is over. */
  | { readonly type: 'settled' }

/** What the machine tells the outside, through `actor.on(type, …)`. */
export type ElectionEmitted =
  | { readonly type: 'select'; readonly value: Json; readonly token: number }
  | { readonly type: 'deselect'; readonly reason: DeselectReason }
  | { readonly type: 'change'; readonly value: Json; readonly id: string | null }
  | { readonly type: 'refresh'; readonly value: Json }
  | { readonly type: 'vacant' }
  | { readonly type: 'unreachable'; readonly error: Failure; readonly attempt: number }
  | { readonly type: 'error'; readonly error: Failure }
  /** The value that was proposed last is not taken, nor remembered: the one before stays this node's. */
  | { readonly type: 'valueRefused'; readonly error: Failure }
  /** This node has left the election, as far as can be known. */
  | { readonly type: 'released' }
  /** Nothing of this node is left, nor can come back. */
  | { readonly type: 'settled' }

/** What every service is told when it is invoked. */
export interface ServiceInput {
  readonly instance: string
  readonly value: Json
  readonly holder: Holder | null
  readonly revision: number
  readonly unanswered: string | null
  readonly entered: Entered | null
  readonly to: string | null
  readonly successor: Successor | null
  /** About whose leases it is to ask. */
  readonly batch: readonly Successor[]
  /** Whether it is the leader’s. */
  readonly leads: boolean
}

/** The shape of every invoked service: it sends election events, and receives none. */
const service = () =>
  fromCallback<ElectionEvent, ServiceInput>(() => {
    throw new Error('election: provide the services with machine.provide({ actors })')
  })

const NOBODY: readonly never[] = []

const inputOf = (context: ElectionContext, leads: boolean): ServiceInput => ({
  instance: context.instance,
  value: context.value,
  holder: context.holder,
  revision: context.revision,
  unanswered: context.unanswered,
  entered: context.entered,
  to: context.to,
  successor: context.successor,
  batch: NOBODY,
  leads,
})
const input = ({ context }: { context: ElectionContext }) => inputOf(context, false)
const inputOfLeader = ({ context }: { context: ElectionContext }) => inputOf(context, true)
const inputOfChoosing = ({ context }: { context: ElectionContext }) => ({
  ...inputOf(context, false),
  batch: batchOf(context.choosing),
})

const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 5_000
const COURTESY_MS = 200
/** So many renewals later a request that had no answer is on its way no more. */
const MOST_LOOKS = 10
/** So long it tries at least, and at most, to find out who waits. */
const SHORTEST_LISTING_MS = 1_000
const LONGEST_LISTING_MS = 2_500
/** So long it looks for a candidate that has missed no renewal. */
const CHOOSING_MS = 1_000
/** So many candidates may have left just as they were to be installed, before the path is vacated. */
const MOST_DECLINED = 3

/** Why a leader that hears this is one no more. */
function reasonFor({ type }: ElectionEvent): DeselectReason {
  switch (type) {
    case 'changed':
      return 'overwritten'
    case 'workFailed':
      return 'failed'
    case 'restored':
      return 'expired'
    case 'transfer':
      return 'transferred'
    case 'stop':
      return 'stopped'
    case 'expired':
    case 'vacated':
    case 'refused':
    case 'reset':
      return type
    case 'start':
    case 'propose':
    case 'won':
    case 'held':
    case 'cleared':
    case 'failed':
    case 'renewed':
    case 'opened':
    case 'retrying':
    case 'proposed':
    case 'reignOver':
    case 'valueRefused':
    case 'entered':
    case 'drained':
    case 'listed':
    case 'checked':
    case 'handedOver':
    case 'declined':
    case 'withdrawn':
    case 'deleted':
    case 'released':
    case 'settled':
      throw new Error(`election: ${type} ends no leadership`)
  }
}

/** The entry that is on its way, where one is. */
function entering({ value, leases: [lease], revision }: ElectionContext): Entered | null {
  return lease === undefined ? null : { value, lease, revision }
}

/**
 * With what an actor begins that leaves in the place of one which has ended, by what that one knew last.
 *
 * @param isEnqueueing Whether an entry was on its way, which may have come to stand there, or may yet.
 */
export function leaving(context: ElectionContext, isEnqueueing: boolean): ElectionContext {
  const entered = isEnqueueing ? entering(context) : null
  return {
    ...context,
    ...(entered && { entered, unanswered: entered.lease }),
    restart: false,
    to: null,
    successor: null,
    choosing: NOBODY,
  }
}

/** The same, where nothing more is done. */
export function left(context: ElectionContext): ElectionContext {
  return { ...context, holder: null, entered: null, restart: false }
}

/** The latest two, this one among them. */
function withLease(leases: readonly string[], lease: string | undefined): readonly string[] {
  return lease === undefined || leases.includes(lease) ? leases : [lease, ...leases.slice(0, 1)]
}

/** Whether `one` is a later lease than `other`: the latest come first, and old ones are left out. */
function isNewer(leases: readonly string[], one: string | null, other: string): boolean {
  const [at, otherAt] = [leases.indexOf(one ?? ''), leases.indexOf(other)]
  return at !== -1 && (otherAt === -1 || at < otherAt)
}

/** What stands at the path from a revision on. */
export interface Standing {
  readonly holder: Holder
  readonly revision: number
  /** That of the claim which found it, if one did: what the claim may have left stands under that lease. */
  readonly lease?: string | undefined
  /** What the node stands there with as candidate from now on, where that has changed. */
  readonly entered?: Entered | null | undefined
}

/** What a watch or a claim has seen at the path. */
type Seen = Omit<Standing, 'entered'>
/** What a claim says that has found the path held. */
type Found = Extract<ElectionEvent, { type: 'held' }>

// What actions are given of the events that they are for.
const standing = ({ event: { holder, revision } }: { event: Seen }): Standing => ({
  holder,
  revision,
})
const entry = ({ event: { entered, lease, revision } }: { event: Found }) => ({
  entered: entered && { value: entered.value, lease, revision },
})
/** What a claim has found; one that lost without entering the node as candidate changes nothing about that. */
const found = ({ event }: { event: Found }): Standing => ({
  holder: event.holder,
  revision: event.revision,
  entered: entry({ event }).entered,
  lease: event.lease,
})
/** What a claim has installed: the node's entry went in the same transaction. */
const installed = ({ event: { holder } }: { event: { holder: Holder } }): Standing => ({
  holder,
  revision: holder.token,
  lease: holder.session ?? undefined,
  entered: null,
})
const vacancy = ({ event }: { event: { revision: number } }) => ({ revision: event.revision })
const leaseOfHolder = ({ event }: { event: { holder: Holder } }) => ({
  lease: event.holder.session ?? undefined,
})
const leaseOfRequest = ({ event }: { event: { lease?: string } }) => ({ lease: event.lease })
const failure = ({ event }: { event: { error: Failure } }) => ({ error: event.error })
const proposal = ({ event }: { event: { value: Json } }) => ({ value: event.value })

/** What a leader that stops knows of who waits, and what the store tells it. */
type Drained = Extract<ElectionEvent, { type: 'drained' }>
type Listed = Extract<ElectionEvent, { type: 'listed' }>
type Checked = Extract<ElectionEvent, { type: 'checked' }>

// Whom it may hand over to, the latest first, by each of these.
const known = ({ context, event }: { context: ElectionContext; event: Drained }) => ({
  candidates: amongKnown(event.waiting ?? NOBODY, event.knownUpTo ?? 0, context).toReversed(),
})
const listed = ({ context, event }: { context: ElectionContext; event: Listed }) => ({
  candidates: amongListed(event.waiting, context).toReversed(),
})
const checked = ({ context, event }: { context: ElectionContext; event: Checked }) => ({
  candidates: answered(context.choosing, event),
})
const chosenFrom = ({ context }: { context: ElectionContext }) => ({
  candidates: context.choosing,
})

/** What a node knows anew by what stands at the path. */
function changesOf(
  { leases, entered: before }: ElectionContext,
  { holder, revision, lease, entered = before }: Standing,
) {
  return { holder, revision, leases: withLease(leases, lease), entered }
}

/** Of a follower with a session that is valid. */
const takesOver = {
  description: 'The leader has handed over to this node.',
  guard: and(['isNews', 'isOwnRecord', 'isInstalled']),
  target: '#election.leader',
  actions: [{ type: 'noteHolder', params: standing }, 'forgetEarlierEntry'],
} as const

/** Of a node that stops, once nothing more is deleted. */
const hasLeft = [
  {
    description: 'The user started the node while it was stopping.',
    guard: 'shallRestart',
    target: '#election.campaigning',
    actions: [{ type: 'noteUndeleted', params: leaseOfRequest }, 'forgetEntered', 'tellReleased'],
  },
  {
    description: 'It has left the election, and no request is without an answer.',
    guard: 'isAnswered',
    target: 'released',
    actions: 'tellReleased',
  },
  {
    description: 'It has left the election, but a request may still be carried out.',
    target: 'settling',
    actions: [{ type: 'noteUndeleted', params: leaseOfRequest }, 'tellReleased'],
  },
] as const

/**
 * The statechart of one node. It begins in `idle`, and its services have to be provided: see a
 * locker’s `machine`.
 */
export const electionMachine = setup({
  types: {
    context: {} as ElectionContext,
    events: {} as ElectionEvent,
    emitted: {} as ElectionEmitted,
    input: {} as ElectionInput,
  },
  actors: {
    // If its actor was restored from a snapshot, each but `campaign` sends `restored` and does nothing.
    /** Makes one claim, and sends `won`, `held`, `failed` or `refused`. A claim that loses enters the node as candidate. */
    campaign: service(),
    /** Deletes a record of this node's own that was left, and sends `cleared`, `failed` or `refused`. */
    clear: service(),
    /** Is there for that alone: whoever only waits has nothing to be done. */
    resume: service(),
    /**
     * Sends `changed` and `vacated` for what happens after `revision`, `retrying` when it is interrupted, and
     * `refused`. The leader's keeps in mind who waits, and sends `transfer` when somebody asks for it beside the path.
     */
    watch: service(),
    /** Keeps the session alive, and sends `renewed`, `retrying`, and once it has ended `expired` or `refused`. */
    keepAlive: service(),
    /** Opens another session, and sends `opened`, `failed` or `refused`. */
    reopen: service(),
    /** Writes the new value, and sends `proposed`, `reignOver`, `valueRefused`, `failed` or `refused`. */
    propose: service(),
    /** Waits for the claim on its way, and sends what `campaign` would have, or `withdrawn`. */
    withdraw: service(),
    /** Waits for the leader's work, and sends `drained`. */
    drain: service(),
    /** Asks the store who waits, and sends `listed`, `failed` or `refused`. */
    list: service(),
    /** Asks about the leases of a batch of those who wait, and sends `checked` of each. */
    checkRenewals: service(),
    /** Installs the successor, and sends `handedOver`, `declined`, `failed` or `refused`. */
    handOver: service(),
    /** Takes the node's value to where candidates stand, and sends `entered`, `valueRefused`, `failed` or `refused`. */
    enqueue: service(),
    /** Deletes this node's record, if one stands there, and sends `released`; or `deleted`, where it has an entry as well. */
    release: service(),
    /** Deletes this node's entry, and sends `released`, or `held` if it was installed meanwhile. */
    leave: service(),
    /**
     * Looks at the path when the session is renewed next, takes away the entry that may have been left, and
     * sends `held`, `vacated`, `failed` or `refused`; or `settled` once the session has ended.
     */
    settle: service(),
  },
  guards: {
    /** A claim that comes back after its session ended is given up, not used. */
    isValid: ({ event }) => event.type === 'won' && event.validityMs > 0,
    /** Revisions never go back: what is not newer was known already. */
    isNews: ({ context, event }) => 'revision' in event && event.revision > context.revision,
    /** The record that stands there is one of this node's. */
    isOwnRecord: ({ context, event }) =>
      'holder' in event && event.holder.instance === context.instance,
    /** What stands there is of the reign that this node knows of. */
    isSameReign: ({ context, event }) =>
      'holder' in event &&
      event.holder.token === context.holder?.token &&
      event.holder.session === context.holder.session,
    /**
     * What stands there stands under a lease of this node's. A record under a lease that it never had
     * may be of another actor, which was restored from a snapshot of this one or the other way round,
     * and may lead.
     */
    isOwnLease: ({ context, event }) =>
      event.type === 'held' &&
      event.holder.session !== null &&
      (context.isSole || [event.lease, ...context.leases].includes(event.holder.session)),
    /** Its leader has handed over to this node, under the session that it has. */
    isInstalled: ({ context, event }) =>
      'holder' in event &&
      event.holder.created !== undefined &&
      event.holder.session !== null &&
      event.holder.session === context.leases[0],
    /** It is no candidate under its session, or with another value than it has now. */
    isEntryDue: ({ context: { entered, leases, value } }) =>
      entered?.lease !== leases[0] || !equal(entered?.value ?? null, value),
    /** No record of its own stands at the path, as far as it knows. */
    hasNoRecord: ({ context }) => context.holder?.instance !== context.instance,
    isEntered: ({ context }) => context.entered !== null,
    /** In a store that knows no candidates nobody waits. */
    mayBeAwaited: (_, { isForGood }: { isForGood: boolean }) => !isForGood,
    isOne: (_, { candidates }: { candidates: readonly Waiting[] }) => candidates.length === 1,
    areSeveral: (_, { candidates }: { candidates: readonly Waiting[] }) => candidates.length > 1,
    isDecided: (_, { candidates }: { candidates: readonly Waiting[] }) => isDecided(candidates),
    isBatchOver: (_, { candidates }: { candidates: readonly Waiting[] }) => isBatchOver(candidates),
    isUnanswered: (_, { lease }: { lease: string | undefined }) => lease !== undefined,
    hasDeclinedEnough: ({ context }) => context.attempt >= MOST_DECLINED,
    /** The holder stands down, and is about to vacate the path. */
    standsDown: ({ event }) => 'holder' in event && event.holder.released === true,
    /** The holder had stood down already. */
    hadStoodDown: ({ context }) => context.holder?.released === true,
    hasNewValue: ({ context }) =>
      context.holder !== null && !equal(context.value, context.holder.value),
    shallRestart: ({ context }) => context.restart,
    /** Every request of this node has had its answer, this one too. */
    isAnswered: ({ context, event }) =>
      context.unanswered === null && (event.type !== 'released' || event.lease === undefined),
    hasLookedEnough: ({ context }) => context.attempt >= MOST_LOOKS,
  },
  delays: {
    /** Its longest follows the ttl, so that the promise of a leader within ttl + 3 s holds. */
    backoff: ({ context: { attempt, ttl } }) =>
      backoff(Math.max(attempt, 1), {
        firstMs: FIRST_BACKOFF_MS,
        longestMs: Math.min(LONGEST_BACKOFF_MS, Math.max(1_000, ttl * 500)),
      }),
    /** A holder whose record was taken from it, by an operator, needs a moment to learn of it. */
    courtesy: COURTESY_MS,
    /**
     * Half as long as a request may take. What has had no answer by then is not waited for: it would end
     * with the connection, over which the release has to go, and be answered.
     */
    untilListed: ({ context: { ttl } }) =>
      Math.min(Math.max(ttl * 250, SHORTEST_LISTING_MS), LONGEST_LISTING_MS),
    untilChosen: CHOOSING_MS,
  },
  actions: {
    takeValue: assign((_, { value }: { value: Json }) => ({ value })),
    /** That with which it stands at the path, or beside it. */
    keepValueBefore: assign(({ context: { holder, instance, entered, value } }) => {
      if (holder?.instance === instance) return { value: holder.value }
      return { value: entered === null ? value : entered.value }
    }),
    /**
     * Takes over what stands at the path, and tells it if that is not known yet. A holder that has
     * stood down counts as gone: its followers were told `vacant` when it did, and others never knew it.
     */
    noteHolder: enqueueActions(({ context, enqueue }, standing: Standing) => {
      const { holder } = standing
      const known = context.holder
      enqueue.assign({ ...changesOf(context, standing), attempt: 0 })
      // Of one that has stood down nobody need hear any more.
      if (holder.released === true) return
      const isKnown = known?.token === holder.token && known.released !== true
      if (!isKnown || !equal(known.value, holder.value)) {
        enqueue.emit({ type: 'change', value: holder.value, id: holder.id })
      }
    }),
    /** A record of this node's own that is about to be deleted: of that nobody need hear. */
    noteOwnRecord: assign(({ context }, standing: Standing) => changesOf(context, standing)),
    /** What it stands there with as candidate, if that has changed. */
    noteEntered: assign((_, { entered }: { entered: Entered | undefined }) =>
      entered === undefined ? {} : { entered },
    ),
    /** Its entry went with its record, or was there no more. */
    forgetEntered: assign({ entered: null }),
    /** It was installed: that took its entry away, unless another value came to stand there afterwards. */
    forgetEarlierEntry: assign(({ context: { entered, holder } }) =>
      entered !== null && holder !== null && entered.revision > holder.token
        ? {}
        : { entered: null },
    ),
    /** Unless it has been answered, its request may be carried out yet. */
    noteAbandoned: assign(({ context: { leases, unanswered }, event }) =>
      event.type === 'entered' || event.type === 'valueRefused'
        ? {}
        : { unanswered: leases[0] ?? unanswered },
    ),
    noteEntering: assign(({ context }) => ({ entered: entering(context) })),
    /** Those of whom one is to be chosen, and what has been told of their leases. */
    noteWaiting: assign((_, { candidates }: { candidates: readonly Waiting[] }) => ({
      choosing: candidates,
    })),
    noteSuccessor: assign((_, { candidates }: { candidates: readonly Waiting[] }) => ({
      successor: chosenOf(candidates),
      choosing: NOBODY,
    })),
    noteTarget: assign((_, { to }: { to: string | null }) => ({ to })),
    /** What the claim may have left at the path, should nothing more be heard of it, stands under that lease. */
    noteLease: assign(({ context: { leases } }, { lease }: { lease: string | undefined }) => ({
      leases: withLease(leases, lease),
    })),
    /** What has no answer may have happened. No later answer says that it did not, or will not. */
    noteUnanswered: assign(({ context: { leases } }, { lease }: { lease: string | undefined }) =>
      lease === undefined ? {} : { leases: withLease(leases, lease), unanswered: lease },
    ),
    /**
     * A deletion that had no answer: the record may still stand there, under its lease. A claim under
     * a newer one that had none is the greater doubt, since a record may still come to stand there.
     */
    noteUndeleted: assign(
      ({ context: { leases, unanswered } }, { lease }: { lease: string | undefined }) =>
        lease === undefined || isNewer(leases, unanswered, lease) ? {} : { unanswered: lease },
    ),
    /** The watch may have brought the new value before the answer did. */
    noteProposed: enqueueActions(
      ({ context, enqueue }, { value, revision }: { value: Json; revision: number }) => {
        const { holder } = context
        if (revision <= context.revision || holder === null) return
        enqueue.assign({ holder: { ...holder, value }, revision })
        if (!equal(holder.value, value)) enqueue.emit({ type: 'change', value, id: holder.id })
      },
    ),
    noteVacant: assign((_, { revision }: { revision: number }) => ({
      holder: null,
      revision,
      attempt: 0,
    })),
    forgetHolder: assign({ holder: null }),
    /** Revisions of another history say nothing about this one's, and its leases are gone. */
    forgetHistory: assign({
      holder: null,
      revision: 0,
      attempt: 0,
      leases: [],
      unanswered: null,
      entered: null,
    }),
    /** Nothing of it stands there, as far as is known. */
    forgetStanding: assign({ holder: null, entered: null }),
    /** Neither a record of its own stands there, nor can one still come. */
    forgetLeftovers: assign({ holder: null, entered: null, unanswered: null }),
    /** The actor that the snapshot was taken of may still run. */
    shareInstance: assign({ isSole: false }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    countAnew: assign({ attempt: 0 }),
    askRestart: assign({ restart: true }),
    dropRestart: assign({ restart: false }),
    beginAnew: assign({
      attempt: 0,
      restart: false,
      holder: null,
      to: null,
      successor: null,
      choosing: NOBODY,
    }),
    tellSelect: emit(({ context }) => ({
      type: 'select',
      value: context.holder?.value ?? null,
      token: context.holder?.token ?? 0,
    })),
    tellDeselect: emit(({ event }) => ({ type: 'deselect', reason: reasonFor(event) })),
    tellRefresh: emit(({ context }) => ({ type: 'refresh', value: context.holder?.value ?? null })),
    tellVacant: emit({ type: 'vacant' }),
    tellUnreachable: emit(({ context }, { error }: { error: Failure }) => ({
      type: 'unreachable',
      error,
      attempt: context.attempt,
    })),
    tellRetrying: emit((_, { error, attempt }: { error: Failure; attempt: number }) => ({
      type: 'unreachable',
      error,
      attempt,
    })),
    tellError: emit((_, { error }: { error: Failure }) => ({ type: 'error', error })),
    tellValueRefused: emit((_, { error }: { error: Failure }) => ({ type: 'valueRefused', error })),
    tellReleased: emit({ type: 'released' }),
    tellSettled: emit({ type: 'settled' }),
  },
}).createMachine({
  id: 'election',
  description: 'One node’s part in the election of one leader for one path.',
  context: ({ input: { path, id, instance, value, ttl, isSole = false } }) => ({
    path,
    id,
    instance,
    value,
    ttl,
    isSole,
    holder: null,
    revision: 0,
    attempt: 0,
    leases: [],
    unanswered: null,
    restart: false,
    entered: null,
    to: null,
    successor: null,
    choosing: NOBODY,
  }),
  initial: 'idle',
  on: {
    propose: {
      description: 'Remembered, and used in the next claim.',
      actions: { type: 'takeValue', params: proposal },
    },
    retrying: {
      description: 'A renewal or a watch failed and is tried again: the user is told.',
      actions: {
        type: 'tellRetrying',
        params: ({ event: { error, attempt } }) => ({ error, attempt }),
      },
    },
    restored: {
      description: 'Restored from a snapshot: what it says of a session is another process’s.',
      target: '.campaigning',
      actions: ['forgetHistory', 'shareInstance'],
    },
  },
  states: {
    idle: {
      description: 'Created, and not started yet.',
      on: {
        start: { description: 'The user starts the node.', target: 'campaigning' },
        stop: {
          description: 'There is nothing to leave.',
          target: '#election.stopped.released',
          actions: 'tellReleased',
        },
      },
    },
    campaigning: {
      description: 'Tries to install this node at the path.',
      initial: 'claiming',
      on: {
        stop: { description: 'The user stops the node.', target: 'stopped' },
        refused: {
          description: 'The store will never accept a claim of this node.',
          target: 'stopped',
          actions: { type: 'tellError', params: failure },
        },
        reset: {
          description: 'The store’s history was replaced: a claim made before counts for nothing.',
          target: '.claiming',
          actions: 'forgetHistory',
        },
      },
      states: {
        claiming: {
          description: 'One claim is on its way.',
          invoke: { id: 'campaign', src: 'campaign', input },
          on: {
            stop: {
              description: 'The claim may still install this node.',
              target: '#election.stopped.withdrawing',
            },
            won: [
              {
                description: 'This node’s record stands at the path, and its session is valid.',
                guard: 'isValid',
                target: '#election.leader',
                actions: { type: 'noteHolder', params: installed },
              },
              {
                description: 'The claim came back after its session ended: it is given up.',
                target: 'waiting',
                actions: ['countAttempt', { type: 'noteLease', params: leaseOfHolder }],
              },
            ],
            held: [
              {
                description: 'An earlier request of this node has left a record there.',
                guard: and(['isOwnRecord', 'isOwnLease']),
                target: 'clearing',
                actions: ['countAnew', { type: 'noteOwnRecord', params: found }],
              },
              {
                description: 'Somebody else holds the path.',
                target: '#election.follower',
                actions: { type: 'noteHolder', params: found },
              },
            ],
            failed: {
              description:
                'The claim failed; or it had no answer, and may have been carried out. Another one shows.',
              target: 'waiting',
              actions: [
                'countAttempt',
                { type: 'noteUnanswered', params: leaseOfRequest },
                { type: 'tellUnreachable', params: failure },
              ],
            },
          },
        },
        clearing: {
          description:
            'Deletes the record that was left. It is never taken over: what left it may have been followed by a release, which is on its way.',
          invoke: { id: 'clear', src: 'clear', input },
          on: {
            cleared: {
              description: 'Nothing is left of earlier requests.',
              target: 'claiming',
              actions: 'forgetHolder',
            },
            failed: {
              description: 'Another claim shows whether it still stands there.',
              target: 'waiting',
              actions: [
                'forgetHolder',
                'countAttempt',
                { type: 'noteUndeleted', params: leaseOfRequest },
                { type: 'tellUnreachable', params: failure },
              ],
            },
          },
        },
        waiting: {
          description: 'Lets the backoff pass before the next claim.',
          invoke: { id: 'resume', src: 'resume', input },
          after: { backoff: { description: 'Time for the next claim.', target: 'claiming' } },
        },
        yielding: {
          description: 'Leaves a holder whose record was taken from it the time to learn of that.',
          invoke: { id: 'resume', src: 'resume', input },
          after: { courtesy: { description: 'Time to claim the path.', target: 'claiming' } },
        },
      },
    },
    leader: {
      description: 'This node holds the path, as long as its session is valid.',
      initial: 'holding',
      entry: 'tellSelect',
      exit: 'tellDeselect',
      invoke: [
        { id: 'watch', src: 'watch', input: inputOfLeader },
        { id: 'keepAlive', src: 'keepAlive', input },
      ],
      on: {
        stop: { description: 'The user stops the node.', target: 'stopped' },
        transfer: {
          description: 'The user has it hand over: it goes on as a candidate.',
          target: 'stopped',
          actions: ['askRestart', { type: 'noteTarget', params: ({ event: { to } }) => ({ to }) }],
        },
        workFailed: {
          description: 'The leader’s work threw: leadership goes to a node whose work may not.',
          target: 'stopped',
          actions: { type: 'tellError', params: failure },
        },
        refused: {
          description: 'The store no longer accepts this node.',
          target: 'stopped',
          actions: { type: 'tellError', params: failure },
        },
        renewed: { description: 'The session goes on.', actions: 'tellRefresh' },
        expired: {
          description: 'The session may no longer be relied on.',
          target: 'campaigning',
          actions: 'forgetHolder',
        },
        reset: {
          description: 'The store’s history was replaced, and with it the session.',
          target: 'campaigning',
          actions: 'forgetHistory',
        },
        vacated: {
          description: 'The record was deleted under this leader.',
          guard: 'isNews',
          target: 'campaigning',
          actions: [{ type: 'noteVacant', params: vacancy }, 'tellVacant'],
        },
        changed: [
          {
            description: 'This leader’s own record, with another value.',
            guard: and(['isNews', 'isOwnRecord', 'isSameReign']),
            actions: { type: 'noteHolder', params: standing },
          },
          {
            description: 'Something else was written over this leader’s record.',
            guard: 'isNews',
            target: 'campaigning',
            actions: { type: 'noteHolder', params: standing },
          },
        ],
      },
      states: {
        holding: {
          description: 'The value at the path is this node’s value.',
          always: {
            description: 'The value was changed while it could not be written.',
            guard: 'hasNewValue',
            target: 'proposing',
          },
          on: {
            propose: {
              description: 'The user changes the value.',
              target: 'proposing',
              actions: { type: 'takeValue', params: proposal },
            },
          },
        },
        proposing: {
          description: 'The new value is on its way to the path.',
          invoke: { id: 'propose', src: 'propose', input },
          on: {
            propose: {
              description: 'A newer value replaces the one on its way.',
              target: 'proposing',
              reenter: true,
              actions: { type: 'takeValue', params: proposal },
            },
            proposed: {
              description: 'The value is written.',
              target: 'holding',
              actions: {
                type: 'noteProposed',
                params: ({ event: { value, revision } }) => ({ value, revision }),
              },
            },
            valueRefused: {
              description: 'The store does not take it: the value before stays.',
              target: 'holding',
              actions: ['keepValueBefore', { type: 'tellValueRefused', params: failure }],
            },
            reignOver: {
              description: 'What ended this reign is for the watch to tell.',
              target: 'waiting',
              actions: 'countAttempt',
            },
            failed: {
              description: 'The write failed, and is repeated after the backoff.',
              target: 'waiting',
              actions: ['countAttempt', { type: 'tellUnreachable', params: failure }],
            },
          },
        },
        waiting: {
          description: 'Lets the backoff pass before the value is written again.',
          after: { backoff: { description: 'Time for the next write.', target: 'proposing' } },
        },
      },
    },
    follower: {
      description: 'Somebody else holds the path; this node knows who, and waits.',
      initial: 'following',
      invoke: { id: 'watch', src: 'watch', input },
      on: {
        stop: { description: 'The user stops the node.', target: 'stopped' },
        refused: {
          description: 'The store no longer lets this node watch.',
          target: 'stopped',
          actions: { type: 'tellError', params: failure },
        },
        reset: {
          description: 'The store’s history was replaced: the holder may be gone.',
          target: 'campaigning',
          actions: 'forgetHistory',
        },
        vacated: [
          {
            description: 'The record of a holder that had stood down is gone.',
            guard: and(['isNews', 'hadStoodDown']),
            target: 'campaigning',
            actions: { type: 'noteVacant', params: vacancy },
          },
          {
            description: 'The record is gone; its holder may not know yet.',
            guard: 'isNews',
            target: '#election.campaigning.yielding',
            actions: [{ type: 'noteVacant', params: vacancy }, 'tellVacant'],
          },
        ],
        changed: [
          {
            description: 'A claim of this node that was given up stands there after all.',
            guard: and(['isNews', 'isOwnRecord']),
            target: 'campaigning',
            actions: { type: 'noteHolder', params: standing },
          },
          {
            description: 'The holder stands down: its record is about to go.',
            guard: and(['isNews', 'standsDown']),
            target: 'campaigning',
            actions: [{ type: 'noteVacant', params: vacancy }, 'tellVacant'],
          },
          {
            description: 'Another holder, or another value.',
            guard: 'isNews',
            actions: { type: 'noteHolder', params: standing },
          },
        ],
      },
      states: {
        following: {
          description:
            'Has a session and an entry: it can be installed, and can claim the path when it is vacant.',
          invoke: { id: 'keepAlive', src: 'keepAlive', input },
          always: {
            description: 'There is no entry of it under this session, or one with another value.',
            guard: 'isEntryDue',
            target: 'enqueueing',
          },
          on: {
            expired: { description: 'A follower needs another session.', target: 'reopening' },
            changed: takesOver,
          },
        },
        enqueueing: {
          description: 'Its entry is on its way.',
          invoke: [
            { id: 'keepAlive', src: 'keepAlive', input },
            { id: 'enqueue', src: 'enqueue', input },
          ],
          exit: 'noteAbandoned',
          on: {
            stop: {
              description: 'The user stops the node: the entry goes, also if it comes yet.',
              target: '#election.stopped',
              actions: 'noteEntering',
            },
            entered: {
              description: 'It can be installed.',
              target: 'following',
              actions: {
                type: 'noteEntered',
                params: ({ event: { value, lease, revision } }) => ({
                  entered: { value, lease, revision },
                }),
              },
            },
            valueRefused: {
              description: 'The store does not take it: it stands there with the value before.',
              target: 'following',
              actions: ['keepValueBefore', { type: 'tellValueRefused', params: failure }],
            },
            failed: {
              description: 'There is no telling whether it can be installed.',
              target: 'pausing',
              actions: ['countAttempt', { type: 'tellUnreachable', params: failure }],
            },
            expired: { description: 'A follower needs another session.', target: 'reopening' },
            changed: takesOver,
          },
        },
        pausing: {
          description: 'Lets the backoff pass before it enters again.',
          invoke: { id: 'keepAlive', src: 'keepAlive', input },
          after: { backoff: { description: 'Time to enter again.', target: 'enqueueing' } },
          on: {
            expired: { description: 'A follower needs another session.', target: 'reopening' },
            changed: takesOver,
          },
        },
        reopening: {
          description: 'Opens a session in place of the one that ended.',
          invoke: { id: 'reopen', src: 'reopen', input },
          on: {
            opened: {
              description:
                'Much may have happened since the one before was lost: a claim tells who holds the path now.',
              target: '#election.campaigning',
            },
            failed: {
              description: 'There is none yet; another attempt is made after the backoff.',
              target: 'waiting',
              actions: ['countAttempt', { type: 'tellUnreachable', params: failure }],
            },
          },
        },
        waiting: {
          description: 'Lets the backoff pass before it asks for a session again.',
          after: { backoff: { description: 'Time to ask again.', target: 'reopening' } },
        },
      },
    },
    stopped: {
      description: 'Left the election, or is leaving it.',
      initial: 'draining',
      entry: 'countAnew',
      exit: 'beginAnew',
      on: {
        start: { description: 'Start again afterwards.', actions: 'askRestart' },
        stop: { description: 'Stay stopped after all.', actions: 'dropRestart' },
        restored: [
          {
            description: 'Restored from a snapshot of a node that was to start again.',
            guard: 'shallRestart',
            target: 'campaigning',
            actions: ['forgetHistory', 'shareInstance', 'tellReleased'],
          },
          {
            description: 'Restored from a snapshot: what was to be released is another process’s.',
            target: '.released',
            actions: ['forgetHistory', 'shareInstance', 'tellReleased'],
          },
        ],
      },
      states: {
        withdrawing: {
          description: 'The claim on its way is not wanted any more; its answer is waited for.',
          invoke: { id: 'withdraw', src: 'withdraw', input },
          on: {
            won: {
              description: 'It has installed this node: the record is to be released.',
              target: 'draining',
              actions: { type: 'noteOwnRecord', params: installed },
            },
            held: [
              {
                description: 'It has found what an earlier one left: that is to be released.',
                guard: and(['isOwnRecord', 'isOwnLease']),
                target: 'draining',
                actions: { type: 'noteOwnRecord', params: found },
              },
              {
                description: 'Somebody else holds the path.',
                target: 'draining',
                actions: { type: 'noteEntered', params: entry },
              },
            ],
            failed: {
              description: 'It may be carried out yet.',
              target: 'draining',
              actions: { type: 'noteUnanswered', params: leaseOfRequest },
            },
            refused: { description: 'It never will be.', target: 'draining' },
            withdrawn: { description: 'There is none.', target: 'draining' },
          },
        },
        draining: {
          description: 'Waits for the leader’s work to end, never past validity.',
          invoke: { id: 'drain', src: 'drain', input },
          on: {
            drained: [
              {
                description: 'It has an entry, and no record.',
                guard: and(['hasNoRecord', 'isEntered']),
                target: 'leaving',
              },
              {
                description: 'Nothing of it stands there.',
                guard: 'hasNoRecord',
                target: 'releasing',
              },
              {
                description: 'The work has ended, and one is known to wait and go on with it.',
                guard: { type: 'isOne', params: known },
                target: 'handingOver',
                actions: { type: 'noteSuccessor', params: known },
              },
              {
                description: 'The work has ended, and several are known to wait.',
                guard: { type: 'areSeveral', params: known },
                target: 'choosing',
                actions: { type: 'noteWaiting', params: known },
              },
              {
                description: 'The work has ended, and it is not known who waits.',
                guard: {
                  type: 'mayBeAwaited',
                  params: ({ event: { waiting, knownUpTo } }) => ({
                    isForGood: waiting !== null && knownUpTo === undefined,
                  }),
                },
                target: 'listing',
              },
              { description: 'The work has ended, and nobody ever waits.', target: 'releasing' },
            ],
          },
        },
        listing: {
          description: 'Asks the store who waits.',
          invoke: { id: 'list', src: 'list', input },
          after: {
            untilListed: {
              description: 'It has taken too long: the path is vacated.',
              target: 'releasing',
            },
          },
          on: {
            listed: [
              {
                description: 'One waits, or one of that name.',
                guard: { type: 'isOne', params: listed },
                target: 'handingOver',
                actions: { type: 'noteSuccessor', params: listed },
              },
              {
                description: 'Several wait.',
                guard: { type: 'areSeveral', params: listed },
                target: 'choosing',
                actions: { type: 'noteWaiting', params: listed },
              },
              { description: 'Nobody waits: the path is vacated.', target: 'releasing' },
            ],
            failed: {
              description: 'It cannot learn who waits: the path is vacated.',
              target: 'releasing',
            },
            refused: {
              description: 'The store does not let it ask: the path is vacated.',
              target: 'releasing',
            },
          },
        },
        choosing: {
          description:
            'Chooses one of several who wait: the latest, unless it has missed a renewal.',
          initial: 'checking',
          // Here, so that the time goes on while one batch is asked about after the other.
          after: {
            untilChosen: {
              description: 'Whoever is next by what is known so far is installed.',
              target: 'handingOver',
              actions: { type: 'noteSuccessor', params: chosenFrom },
            },
          },
          states: {
            checking: {
              description: 'Asks about the leases of the latest of whom nothing is known.',
              invoke: { id: 'checkRenewals', src: 'checkRenewals', input: inputOfChoosing },
              on: {
                checked: [
                  {
                    description: 'No other answer makes a difference.',
                    guard: { type: 'isDecided', params: checked },
                    target: '#election.stopped.handingOver',
                    actions: { type: 'noteSuccessor', params: checked },
                  },
                  {
                    description: 'None of these is in time: those who came before them are next.',
                    guard: { type: 'isBatchOver', params: checked },
                    target: 'checking',
                    reenter: true,
                    actions: { type: 'noteWaiting', params: checked },
                  },
                  {
                    description: 'Another of these, who came later, may be in time.',
                    actions: { type: 'noteWaiting', params: checked },
                  },
                ],
              },
            },
          },
        },
        handingOver: {
          description: 'Installs a candidate in its own place, so that the path is never vacant.',
          invoke: { id: 'handOver', src: 'handOver', input },
          on: {
            handedOver: [
              {
                description: 'It stopped only to hand over, or was started again meanwhile.',
                guard: 'shallRestart',
                target: '#election.campaigning',
                actions: 'tellReleased',
              },
              {
                description: 'Another node leads, and this one has an entry.',
                guard: 'isEntered',
                target: 'leaving',
                actions: 'forgetHolder',
              },
              {
                description: 'Another node leads: nothing of this one stands there.',
                target: 'releasing',
                actions: 'forgetHolder',
              },
            ],
            declined: [
              {
                description: 'They have all left: the path is vacated.',
                guard: 'hasDeclinedEnough',
                target: 'releasing',
              },
              {
                description: 'That one has left: perhaps another waits.',
                target: 'listing',
                actions: 'countAttempt',
              },
            ],
            failed: {
              description: 'It may have been carried out: a release does nothing then.',
              target: 'releasing',
              actions: { type: 'noteUndeleted', params: leaseOfRequest },
            },
            refused: { description: 'The store does not let it.', target: 'releasing' },
          },
        },
        releasing: {
          description: 'Deletes its record, if one stands there.',
          invoke: { id: 'release', src: 'release', input },
          on: {
            deleted: [
              {
                description: 'It may stand there still. The entry goes all the same.',
                guard: { type: 'isUnanswered', params: leaseOfRequest },
                target: 'leaving',
                actions: { type: 'noteUndeleted', params: leaseOfRequest },
              },
              {
                description: 'Its entry is still to go.',
                target: 'leaving',
                actions: 'forgetHolder',
              },
            ],
            released: hasLeft,
          },
        },
        leaving: {
          description: 'Deletes its entry: it is installed no more.',
          invoke: { id: 'leave', src: 'leave', input },
          on: {
            held: {
              description: 'It was installed just now: that is to be handed on.',
              target: 'draining',
              actions: [{ type: 'noteOwnRecord', params: standing }, 'forgetEntered'],
            },
            released: hasLeft,
          },
        },
        settling: {
          description:
            'While a request that had no answer may still be carried out, looks for what it may have left.',
          entry: 'forgetStanding',
          invoke: { id: 'settle', src: 'settle', input },
          always: {
            description: 'Nothing has come for so long that nothing will.',
            guard: 'hasLookedEnough',
            target: 'released',
          },
          on: {
            start: {
              description: 'The user starts the node again: its claim shows what is left.',
              target: '#election.campaigning',
            },
            reset: {
              description: 'The store’s history was replaced: nothing comes of requests before.',
              target: 'released',
            },
            held: [
              {
                description: 'The request was carried out after all.',
                guard: and(['isOwnRecord', 'isOwnLease']),
                target: 'clearing',
                actions: { type: 'noteOwnRecord', params: standing },
              },
              {
                description: 'Not yet, at least.',
                target: 'settling',
                reenter: true,
                actions: 'countAttempt',
              },
            ],
            vacated: {
              description: 'Not yet, at least.',
              target: 'settling',
              reenter: true,
              actions: 'countAttempt',
            },
            failed: {
              description: 'It could not look, which says nothing.',
              target: 'settling',
              reenter: true,
            },
            refused: {
              description: 'The store does not let this node look.',
              target: 'released',
            },
            settled: {
              description: 'Whatever there was has gone with the session.',
              target: 'released',
            },
          },
        },
        clearing: {
          description: 'Deletes the record that was left.',
          invoke: { id: 'clear', src: 'clear', input },
          on: {
            start: {
              description: 'The user starts the node again: its claim shows what is left.',
              target: '#election.campaigning',
            },
            cleared: { description: 'There may be more.', target: 'settling' },
            failed: {
              description: 'The next look shows whether it still stands there.',
              target: 'settling',
            },
            refused: {
              description: 'The store lets this node do nothing about it.',
              target: 'released',
            },
          },
        },
        released: {
          description: 'Nothing of this node is left.',
          entry: ['forgetLeftovers', 'tellSettled'],
          on: {
            start: {
              description: 'The user starts the node again.',
              target: '#election.campaigning',
            },
          },
        },
      },
    },
  },
})

/** The statechart’s type, with or without its services. */
export type ElectionMachine = typeof electionMachine
/** A running statechart. */
export type ElectionActor = ActorRefFrom<ElectionMachine>
