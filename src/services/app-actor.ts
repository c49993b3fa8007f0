import { createActor } from 'xstate'
import type { ElectionActor, ElectionContext } from '../../machines/election.js'
import { assertPath } from '../arguments.js'
import type { Clock } from '../clock.js'
import { ActorError, textOf } from '../errors.js'
import { containInspection } from '../inspection/contain-inspection.js'
import { Participant } from './participant.js'
import { type Stage, Succession } from './succession.js'

/**
 * An actor of an app's own, which runs the machine without a LockedNode. One that ends while it is in
 * the election is replaced.
 */
export class AppActor {
  readonly participant: Participant
  readonly #succession: Succession

  constructor(stage: Stage & { readonly clock: Clock }, actor: ElectionActor) {
    const { machine, clock, registry } = stage
    const { context } = actor.getSnapshot()
    assertPath(context.path)
    this.participant = new Participant(context)
    containInspection(actor)
    const replace = (ended: ElectionActor) => {
      if (registry.isPresent(ended)) this.#succession.replace()
    }
    this.#succession = new Succession(
      stage,
      {
        entrant: this,
        // The input is of no use to an actor that is restored, but asked for by its type.
        create: (snapshot) => createActor(machine, { snapshot, input: snapshot.context, clock }),
        follow: (one) => {
          one.subscribe({
            complete: () => replace(one),
            error: (cause) => {
              replace(one)
              // Since this listens, XState tells nobody if the app does not.
              process.emitWarning(errorOf(one.getSnapshot().context, cause))
            },
          })
        },
      },
      actor,
    )
    this.#succession.begin()
  }

  stop(): Promise<void> {
    return this.#succession.stop()
  }
}

function errorOf({ path, id }: ElectionContext, cause: unknown): ActorError {
  return new ActorError(
    `the actor of ${id}, on locker.machine, has left the election for ${path}, since it ended in an error: ${textOf(cause)}`,
    { path, nodeId: id, cause },
  )
}
