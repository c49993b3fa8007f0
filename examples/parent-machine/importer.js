// @ts-check
import { electionMachine } from 'locked/machine'
import { assign, fromPromise, sendTo, setup } from 'xstate'

/**
 * @typedef {object} Context
 * @property {string} path
 * @property {string} id
 * @property {string} instance
 * @property {number | null} token while this process leads
 * @property {boolean} isOver whether nothing is left of this process's part in the election
 * @property {boolean} shallClose
 */

/**
 * An app's own statechart: it imports batch after batch, and only while it leads. The election is a
 * child that it invokes. Sent `CLOSE`, it ends the batch that it has begun, leaves the election, and
 * is done.
 */
export const importerMachine = setup({
  types: {
    input: /** @type {{ path: string, id: string, instance: string }} */ ({}),
    context: /** @type {Context} */ ({}),
    events: /** @type {{ type: 'CLOSE' }} */ ({}),
    children: /** @type {{ election: 'election', batch: 'batch' }} */ ({}),
  },
  actors: {
    /** This one has no store: a locker's machine is provided in its place. */
    election: electionMachine,
    /** Imports one batch. Its signal is aborted when this process no longer leads. */
    batch: fromPromise(
      /** @param {{ input: { token: number | null }, signal: AbortSignal }} _ */
      async (_) => {},
    ),
  },
  guards: {
    leads: ({ context }) => context.token !== null,
    leadsNoMore: ({ context }) => context.token === null,
    isOver: ({ context }) => context.isOver,
    shallClose: ({ context }) => context.shallClose,
  },
  actions: {
    startElection: sendTo('election', { type: 'start' }),
    stopElection: sendTo('election', { type: 'stop' }),
    /** Another process takes over, whose batches may not fail. */
    failElection: sendTo('election', {
      type: 'workFailed',
      error: { name: 'Error', message: 'a batch failed' },
    }),
    noteClose: assign({ shallClose: true }),
  },
}).createMachine({
  id: 'importer',
  context: ({ input }) => ({ ...input, token: null, isOver: false, shallClose: false }),
  entry: 'startElection',
  invoke: {
    id: 'election',
    src: 'election',
    input: ({ context: { path, id, instance } }) => ({ path, id, instance, value: id, ttl: 2 }),
    onSnapshot: {
      actions: assign(({ event: { snapshot } }) => ({
        token: snapshot.matches('leader') ? (snapshot.context.holder?.token ?? null) : null,
        isOver: snapshot.matches({ stopped: 'released' }),
      })),
    },
  },
  initial: 'waiting',
  states: {
    waiting: {
      always: [
        { guard: 'isOver', target: 'closed' },
        { guard: 'leads', target: 'importing' },
      ],
      on: { CLOSE: 'closing' },
    },
    importing: {
      invoke: {
        id: 'batch',
        src: 'batch',
        input: ({ context: { token } }) => ({ token }),
        onDone: [
          { guard: 'shallClose', target: 'closing' },
          { target: 'importing', reenter: true },
        ],
        onError: { target: 'waiting', actions: 'failElection' },
      },
      // To leave this state aborts the batch.
      always: { guard: 'leadsNoMore', target: 'waiting' },
      on: { CLOSE: { actions: 'noteClose' } },
    },
    closing: {
      entry: 'stopElection',
      always: { guard: 'isOver', target: 'closed' },
    },
    closed: { type: 'final' },
  },
})
