import { fromCallback } from 'xstate'
import type { ElectionActor, ElectionEvent, ServiceInput } from '../../../machines/election.js'
import type { Player } from '../../../verification/simulation/competitor.js'
import type { Parts } from '../../../verification/simulation/simulation.js'

const silent = fromCallback<ElectionEvent, ServiceInput>(() => {})
const firstActors = new WeakMap<Player, ElectionActor>()

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
} satisfies Record<string, Partial<Parts>>
