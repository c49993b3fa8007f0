import type { AnyActorRef } from 'xstate'
import type { ElectionActor } from '../../machines/election.js'

/**
 * Stops what an actor has invoked that has ended in an error: XState leaves it running, with its
 * watches and timers, and nobody to tell.
 */
export function stopServices(actor: ElectionActor): void {
  const children: Readonly<Record<string, AnyActorRef | undefined>> = actor.getSnapshot().children
  for (const child of Object.values(children)) {
    if (child?.getSnapshot().status === 'active') child.send({ type: 'xstate.stop' })
  }
}
