import { fromCallback } from 'xstate'
import type { ElectionActor, ElectionEvent, ServiceInput } from '../../../machines/election.js'
import { decodeRecord, encodeRecord, holderFrom } from '../../../src/record.js'
import { reignOf } from '../../../src/services/reign.js'
import type { MemoryStore } from '../../../src/stores/memory.js'
import type { Candidates, Store } from '../../../src/stores/store.js'
import type { Player } from '../../../verification/simulation/competitor.js'
import type { Parts } from '../../../verification/simulation/simulation.js'

const silent = fromCallback<ElectionEvent, ServiceInput>(() => {})
const firstActors = new WeakMap<Player, ElectionActor>()

/** The store, with something about it changed. */
function changed(store: MemoryStore, changes: Partial<Store>): Store {
  return {
    candidates: store.candidates,
    grant: (ttl) => store.grant(ttl),
    renew: (lease) => store.renew(lease),
    revoke: (lease) => store.revoke(lease),
    claim: (path, text, lease, call, candidacy) => store.claim(path, text, lease, call, candidacy),
    propose: (path, text, reign) => store.propose(path, text, reign),
    release: (path, reign, notice) => store.release(path, reign, notice),
    read: (path) => store.read(path),
    watch: (path, from, listener) => store.watch(path, from, listener),
    closeIdle: () => undefined,
    ...changes,
  }
}

function installing(install: (store: MemoryStore) => Candidates['install']) {
  return (store: MemoryStore) =>
    changed(store, { candidates: { ...store.candidates, install: install(store) } })
}

/** Elections that are wrong in one thing each. */
export const wrongs = {
  'counts a renewal that no read confirmed': {
    confirmsRenewal: (before, renewal) => before.get(renewal.member_id) === renewal.raft_term,
  },
  'ignores the term before a renewal': {
    confirmsRenewal: (_before, renewal, after) => renewal.raft_term === after.raft_term,
  },
  'counts a renewal that any read confirmed': {
    confirmsRenewal: (before, renewal, after) =>
      before.get(renewal.member_id) === renewal.raft_term && after.raft_term >= renewal.raft_term,
  },
  'keeps what it knew when the history was replaced': { tellsResets: false },
  'leads where a snapshot was taken of a leader': {
    machineOf: (machine) => machine.provide({ actors: { watch: silent, keepAlive: silent } }),
  },
  'leads on when its actor has ended in an error': {
    leads(player) {
      // Another actor takes the place of one that has ended.
      const first = firstActors.get(player) ?? player.actor
      firstActors.set(player, first)
      const snapshot = first.getSnapshot()
      return snapshot.status === 'error' ? snapshot.matches('leader') : player.isLeader
    },
  },
  'installs a candidate in whatever reign it is': {
    storeOf: installing((store) => async (path, reign, choice, call) => {
      const entry = store.entries().get(path)
      const now = entry === undefined ? null : reignOf(holderFrom(entry))
      return store.candidates.install(path, now ?? reign, choice, call)
    }),
  },
  'installs a candidate whose entry is gone': {
    storeOf: installing((store) => async (path, reign, choice, call) => {
      const revision = await store.candidates.enter(
        path,
        choice,
        { id: choice.lease, ttlMs: 0 },
        call,
      )
      return store.candidates.install(
        path,
        reign,
        { ...choice, revision, knownUpTo: revision },
        call,
      )
    }),
  },
  'leaves the entry of whoever is installed': {
    storeOf: installing((store) => async (path, reign, choice, call) => {
      const token = await store.candidates.install(path, reign, choice, call)
      if (token !== null) {
        await store.candidates.enter(path, choice, { id: choice.lease, ttlMs: 0 }, call)
      }
      return token
    }),
  },
  'does not hear that it was installed as it left': {
    storeOf: (store) =>
      changed(store, {
        candidates: {
          ...store.candidates,
          leave: async (path, instance, call) => {
            const { revision } = await store.candidates.leave(path, instance, call)
            return { entry: null, revision }
          },
        },
      }),
  },
  'leaves its entry where it is': {
    storeOf: (store) =>
      changed(store, {
        candidates: { ...store.candidates, leave: (path) => store.read(path) },
      }),
  },
  'vacates the path though somebody waits': {
    storeOf: (store) => {
      const { candidates: _, ...others } = changed(store, {})
      return others
    },
  },
  'hands over to another than was named': {
    storeOf: installing((store) => async (path, reign, choice, call) => {
      const { waiting } = await store.candidates.list(path, call)
      return store.candidates.install(path, reign, waiting[0] ?? choice, call)
    }),
  },
  'hands over while its work goes on': {
    workOf: (work) => (leadership) => void work(leadership),
  },
  'begins another reign with each value': {
    storeOf: (store) =>
      changed(store, {
        propose: async (path, text, reign) => {
          const record = decodeRecord(text)
          return store.propose(
            path,
            record === null ? text : encodeRecord({ ...record, token: null }),
            reign,
          )
        },
      }),
  },
  'lets each node lead before it stops': {
    stop(player) {
      if (player.isLeader) player.stop()
      else player.on('select', () => player.stop())
    },
  },
} satisfies Record<string, Partial<Parts>>
