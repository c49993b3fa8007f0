import type { SnapshotFrom } from 'xstate'
import { type ElectionActor, type ElectionMachine, leaving, left } from '../../machines/election.js'

type Snapshot = SnapshotFrom<ElectionMachine>

/**
 * What an actor begins with that takes the place of one that has ended, given what that one knew last.
 * Sent `stop` it leaves the election, and waits first for the claim that may be on its way: it is in
 * the state that such a claim is made in. No service runs for it there, since none is in the snapshot.
 */
export function leavingSnapshot(machine: ElectionMachine, ended: Snapshot): Snapshot {
  return machine.resolveState({
    value: { campaigning: 'claiming' },
    context: leaving(ended.context, ended.matches({ follower: 'enqueueing' })),
  })
}

/** The same, where leaving has failed as well: nothing more is done. */
export function leftSnapshot(machine: ElectionMachine, { context }: Snapshot): Snapshot {
  return machine.resolveState({ value: { stopped: 'released' }, context: left(context) })
}

/** Whether it has left the election, though something may still be looked after. */
export function hasLeft(actor: ElectionActor): boolean {
  const snapshot = actor.getSnapshot()
  return (['settling', 'clearing', 'released'] as const).some((stopped) =>
    snapshot.matches({ stopped }),
  )
}
