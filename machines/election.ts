/**
 * The election, whole: who campaigns, who leads, who follows, and what moves a node from one to the
 * other. Everything that decides stands in this file; everything that acts on the world is an
 * invoked service, provided from outside (`src/services/services.ts`). It does no I/O, reads no clock and
 * runs in a browser.
 *
 * Context and events are plain JSON, because inspectors print them: no credential, no client and
 * no function is ever in them.
 */
import { type ActorRefFrom, assign, emit, enqueueActions, fromCallback, setup } from 'xstate'
import { equal } from './equal.js'
import type { Json } from './json.js'

export type { Json }

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
  /** Attempts that failed since the last that did not. */
  readonly attempt: number
  /** The leases under which this actor has claimed, the latest two: older ones are long gone. */
  readonly leases: readonly string[]
  /** Whether `start` came while the node was still stopping. */
  readonly restart: boolean
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
  /** The user changes the node's value. */
  | { readonly type: 'propose'; readonly value: Json }
  /** The function given to `lead` threw. */
  | { readonly type: 'workFailed'; readonly error: Failure }
  /** The claim installed this node; `validityMs` is what was left of its session by then. */
  | { readonly type: 'won'; readonly holder: Holder; readonly validityMs: number }
  /** The claim, made under `lease`, found the path held. */
  | {
      readonly type: 'held'
      readonly holder: Holder
      readonly revision: number
      readonly lease: string
    }
  /** A record that an earlier request of this node had left is gone. */
  | { readonly type: 'cleared' }
  /**
   * A request failed, and is worth repeating. It may have been carried out all the same, if it is a
   * claim, under `lease`.
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
  /** The validity of the session ended; a follower is told when it has another one. */
  | { readonly type: 'expired' }
  /** The store's history was replaced by another: nothing of what was known is so any more. */
  | { readonly type: 'reset' }
  /** This actor was restored from a snapshot: it has no session, and its timers are gone. */
  | { readonly type: 'restored' }
  /** A service's attempt failed, and the service repeats it by itself. */
  | { readonly type: 'retrying'; readonly error: Failure; readonly attempt: number }
  /** The new value is written. */
  | { readonly type: 'proposed'; readonly value: Json; readonly revision: number }
  /** The leader's work has ended, or may no longer be waited for. */
  | { readonly type: 'drained' }
  /** Nothing of this node is left at the path, or nothing more can be done about it. */
  | { readonly type: 'released' }

/** What the machine tells the outside, through `actor.on(type, …)`. */
export type ElectionEmitted =
  | { readonly type: 'select'; readonly value: Json; readonly token: number }
  | { readonly type: 'deselect'; readonly reason: DeselectReason }
  | { readonly type: 'change'; readonly value: Json; readonly id: string | null }
  | { readonly type: 'refresh'; readonly value: Json }
  | { readonly type: 'vacant' }
  | { readonly type: 'unreachable'; readonly error: Failure; readonly attempt: number }
  | { readonly type: 'error'; readonly error: Failure }
  | { readonly type: 'released' }

/** What every service is told when it is invoked. */
export interface ServiceInput {
  readonly instance: string
  readonly value: Json
  readonly holder: Holder | null
  readonly revision: number
}

/** The shape of every invoked service: it sends election events, and receives none. */
const service = () =>
  fromCallback<ElectionEvent, ServiceInput>(() => {
    throw new Error('election: provide the services with machine.provide({ actors })')
  })

const input = ({ context }: { context: ElectionContext }): ServiceInput => ({
  instance: context.instance,
  value: context.value,
  holder: context.holder,
  revision: context.revision,
})

const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 5_000
const COURTESY_MS = 200

function reasonFor(event: ElectionEvent): DeselectReason {
  switch (event.type) {
    case 'changed':
      return 'overwritten'
    case 'workFailed':
      return 'failed'
    case 'restored':
      return 'expired'
    case 'expired':
    case 'vacated':
    case 'refused':
    case 'reset':
      return event.type
    default:
      return 'stopped'
  }
}

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
    /** Makes one claim, and sends `won`, `held`, `failed` or `refused`. */
    campaign: service(),
    /** Deletes a record of this node's own that a claim found, and sends `cleared`, `failed` or `refused`. */
    clear: service(),
    /** Sends `restored` if this actor was restored from a snapshot, and nothing otherwise. */
    resume: service(),
    /** Sends `changed` and `vacated` for what happens after `revision`. */
    watch: service(),
    /** Keeps the session alive, and sends `renewed` and, once, `expired`; or `restored`, without one. */
    keepAlive: service(),
    /** Writes the new value, and sends `proposed`, `failed` or `refused`. */
    propose: service(),
    /** Waits for the leader's work, and sends `drained`. */
    drain: service(),
    /** Deletes this node's record if there is one, and sends `released`. */
    release: service(),
  },
  guards: {
    /** A claim that comes back after its session ended is given up, not used. */
    isValid: ({ event }) => event.type === 'won' && event.validityMs > 0,
    /** Revisions never go back: what is not newer was known already. */
    isNews: ({ context, event }) => 'revision' in event && event.revision > context.revision,
    /** What stands there now is this leader's own record, still of the same reign. */
    isOwnReign: ({ context, event }) =>
      event.type === 'changed' &&
      event.revision > context.revision &&
      event.holder.instance === context.instance &&
      event.holder.token === context.holder?.token &&
      event.holder.session === context.holder.session,
    /**
     * What stands there was left by an earlier request of this node. One under a lease that it never
     * had may be of another actor, which was restored from a snapshot of this one or the other way
     * round, and may lead.
     */
    isLeftover: ({ context, event }) =>
      event.type === 'held' &&
      event.holder.instance === context.instance &&
      event.holder.session !== null &&
      (context.isSole || [event.lease, ...context.leases].includes(event.holder.session)),
    /** A claim of this node that it had given up was applied after all. */
    isOwnClaim: ({ context, event }) =>
      event.type === 'changed' &&
      event.revision > context.revision &&
      event.holder.instance === context.instance,
    /** The holder stands down, and is about to vacate the path. */
    isStandingDown: ({ context, event }) =>
      event.type === 'changed' &&
      event.revision > context.revision &&
      event.holder.released === true,
    /** The holder had stood down before it vacated the path. */
    isHandedOver: ({ context, event }) =>
      event.type === 'vacated' &&
      event.revision > context.revision &&
      context.holder?.released === true,
    hasNewValue: ({ context }) =>
      context.holder !== null && !equal(context.value, context.holder.value),
    shallRestart: ({ context }) => context.restart,
  },
  delays: {
    /**
     * Exponential with full jitter; its longest follows the ttl, so that the promise of a leader
     * within ttl + 3 s holds.
     */
    backoff: ({ context }) =>
      Math.random() *
      Math.min(
        FIRST_BACKOFF_MS * 2 ** Math.min(context.attempt, 10),
        LONGEST_BACKOFF_MS,
        Math.max(1_000, context.ttl * 500),
      ),
    /** A holder whose record was taken from it, by an operator, needs a moment to learn of it. */
    courtesy: COURTESY_MS,
  },
  actions: {
    takeValue: assign(({ event }) => (event.type === 'propose' ? { value: event.value } : {})),
    /**
     * Takes over what stands at the path, and tells it if that is not known yet. A holder that has
     * stood down counts as gone: its followers were told `vacant` when it did, and others never knew it.
     */
    noteHolder: enqueueActions(({ context, event, enqueue }) => {
      if (!('holder' in event)) return
      const { holder } = event
      const known = context.holder
      enqueue.assign({
        holder,
        revision: 'revision' in event ? event.revision : holder.token,
        attempt: 0,
      })
      // Of one that has stood down nobody need hear any more.
      if (holder.released === true) return
      const isKnown = known?.token === holder.token && known.released !== true
      if (!isKnown || !equal(known.value, holder.value)) {
        enqueue.emit({ type: 'change', value: holder.value, id: holder.id })
      }
    }),
    /** What the claim may have left at the path, should nothing more be heard of it, stands under that lease. */
    noteLease: assign(({ context: { leases }, event }) => {
      const lease = event.type === 'won' ? event.holder.session : 'lease' in event && event.lease
      return lease && !leases.includes(lease) ? { leases: [lease, ...leases.slice(0, 1)] } : {}
    }),
    /** A record of this node's own is about to be cleared: of that nobody need hear. */
    noteLeftover: assign(({ event }) =>
      event.type === 'held' ? { holder: event.holder, revision: event.revision, attempt: 0 } : {},
    ),
    /** The watch may have brought the new value before the answer did. */
    noteProposed: enqueueActions(({ context, event, enqueue }) => {
      const { holder } = context
      if (event.type !== 'proposed' || event.revision <= context.revision || holder === null) return
      enqueue.assign({ holder: { ...holder, value: event.value }, revision: event.revision })
      if (!equal(holder.value, event.value)) {
        enqueue.emit({ type: 'change', value: event.value, id: holder.id })
      }
    }),
    noteVacant: assign(({ event }) =>
      event.type === 'vacated' || event.type === 'changed'
        ? { holder: null, revision: event.revision, attempt: 0 }
        : {},
    ),
    forgetHolder: assign({ holder: null }),
    /** Revisions of another history say nothing about this one's. */
    forgetHistory: assign({ holder: null, revision: 0, attempt: 0, leases: [] }),
    /** The actor that the snapshot was taken of may still run. */
    shareInstance: assign({ isSole: false }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    askRestart: assign({ restart: true }),
    dropRestart: assign({ restart: false }),
    beginAnew: assign({ attempt: 0, restart: false, holder: null }),
    tellSelect: emit(({ context }) => ({
      type: 'select',
      value: context.holder?.value ?? null,
      token: context.holder?.token ?? 0,
    })),
    tellDeselect: emit(({ event }) => ({ type: 'deselect', reason: reasonFor(event) })),
    tellRefresh: emit(({ context }) => ({ type: 'refresh', value: context.holder?.value ?? null })),
    tellVacant: emit({ type: 'vacant' }),
    tellUnreachable: emit(({ context, event }) => ({
      type: 'unreachable',
      error: 'error' in event ? event.error : { name: 'Error', message: event.type },
      attempt: event.type === 'retrying' ? event.attempt : context.attempt,
    })),
    tellError: emit(({ event }) => ({
      type: 'error',
      error: 'error' in event ? event.error : { name: 'Error', message: event.type },
    })),
    tellReleased: emit({ type: 'released' }),
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
    restart: false,
  }),
  initial: 'idle',
  on: {
    propose: {
      description: 'Remembered, and used in the next claim.',
      actions: 'takeValue',
    },
    retrying: {
      description: 'A service failed and tries again: the user is told.',
      actions: 'tellUnreachable',
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
        stop: { description: 'There is nothing to leave.', target: '#election.stopped.released' },
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
          actions: 'tellError',
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
            won: [
              {
                description: 'This node’s record stands at the path, and its session is valid.',
                guard: 'isValid',
                target: '#election.leader',
                actions: ['noteHolder', 'noteLease'],
              },
              {
                description: 'The claim came back after its session ended: it is given up.',
                target: 'waiting',
                actions: ['countAttempt', 'noteLease'],
              },
            ],
            held: [
              {
                description: 'An earlier request of this node has left a record there.',
                guard: 'isLeftover',
                target: 'clearing',
                actions: ['noteLeftover', 'noteLease'],
              },
              {
                description: 'Somebody else holds the path.',
                target: '#election.follower',
                actions: ['noteHolder', 'noteLease'],
              },
            ],
            failed: {
              description: 'The claim failed, and is repeated after the backoff.',
              target: 'waiting',
              actions: ['countAttempt', 'noteLease', 'tellUnreachable'],
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
              actions: ['forgetHolder', 'countAttempt', 'tellUnreachable'],
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
        { id: 'watch', src: 'watch', input },
        { id: 'keepAlive', src: 'keepAlive', input },
      ],
      on: {
        stop: { description: 'The user stops the node.', target: 'stopped' },
        workFailed: {
          description: 'The leader’s work threw: leadership goes to a node whose work may not.',
          target: 'stopped',
          actions: 'tellError',
        },
        refused: {
          description: 'The store no longer accepts this node.',
          target: 'stopped',
          actions: 'tellError',
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
          actions: ['noteVacant', 'tellVacant'],
        },
        changed: [
          {
            description: 'This leader’s own record, with another value.',
            guard: 'isOwnReign',
            actions: 'noteHolder',
          },
          {
            description: 'Something else was written over this leader’s record.',
            guard: 'isNews',
            target: 'campaigning',
            actions: 'noteHolder',
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
              actions: 'takeValue',
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
              actions: 'takeValue',
            },
            proposed: {
              description: 'The value is written.',
              target: 'holding',
              actions: 'noteProposed',
            },
            failed: {
              description: 'The write failed, and is repeated after the backoff.',
              target: 'waiting',
              actions: ['countAttempt', 'tellUnreachable'],
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
      invoke: [
        { id: 'watch', src: 'watch', input },
        { id: 'keepAlive', src: 'keepAlive', input },
      ],
      on: {
        stop: { description: 'The user stops the node.', target: 'stopped' },
        refused: {
          description: 'The store no longer lets this node watch.',
          target: 'stopped',
          actions: 'tellError',
        },
        expired: {
          description:
            'Another session took the place of its own: a claim tells who holds the path now.',
          target: 'campaigning',
        },
        reset: {
          description: 'The store’s history was replaced: the holder may be gone.',
          target: 'campaigning',
          actions: 'forgetHistory',
        },
        vacated: [
          {
            description: 'The record of a holder that had stood down is gone.',
            guard: 'isHandedOver',
            target: 'campaigning',
            actions: 'noteVacant',
          },
          {
            description: 'The record is gone; its holder may not know yet.',
            guard: 'isNews',
            target: '#election.campaigning.yielding',
            actions: ['noteVacant', 'tellVacant'],
          },
        ],
        changed: [
          {
            description: 'A claim of this node that was given up stands there after all.',
            guard: 'isOwnClaim',
            target: 'campaigning',
            actions: 'noteHolder',
          },
          {
            description: 'The holder stands down: its record is about to go.',
            guard: 'isStandingDown',
            target: 'campaigning',
            actions: ['noteVacant', 'tellVacant'],
          },
          {
            description: 'Another holder, or another value.',
            guard: 'isNews',
            actions: 'noteHolder',
          },
        ],
      },
    },
    stopped: {
      description: 'Left the election, or is leaving it.',
      initial: 'draining',
      states: {
        draining: {
          description: 'Waits for the leader’s work to end, never past validity.',
          invoke: { id: 'drain', src: 'drain', input },
          on: {
            start: { description: 'Start again afterwards.', actions: 'askRestart' },
            stop: { description: 'Stay stopped after all.', actions: 'dropRestart' },
            drained: { description: 'The work has ended.', target: 'releasing' },
          },
        },
        releasing: {
          description: 'Deletes this node’s record, if it is still there.',
          invoke: { id: 'release', src: 'release', input },
          on: {
            start: { description: 'Start again afterwards.', actions: 'askRestart' },
            stop: { description: 'Stay stopped after all.', actions: 'dropRestart' },
            released: { description: 'Nothing more is to be done.', target: 'released' },
          },
        },
        released: {
          description: 'Nothing of this node is left.',
          entry: ['forgetHolder', 'tellReleased'],
          exit: 'beginAnew',
          always: {
            description: 'The user started the node while it was stopping.',
            guard: 'shallRestart',
            target: '#election.campaigning',
          },
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
