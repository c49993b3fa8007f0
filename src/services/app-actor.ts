import { createActor } from 'xstate'
import type { ElectionActor, ElectionContext } from '../../machines/election.js'
import { assertPath } from '../arguments.js'
import type { Clock } from '../clock.js'
import { ActorError, textOf } from '../errors.js'
import { containInspection } from '../onlookers/contain-inspection.js'
import { Participant } from './participant.js'
import type { Entrant } from './registry.js'
import { type Principal, type Stage, Succession } from './succession.js'

/**
 * An actor of an app's own, which runs the machine without a LockedNode. One that ends while it is in
 * the election is replaced.
 */
export class AppActor {
  static readonly #principal: Principal<AppActor> = {
    isApps: true,
    participant: (app) => app.#participant,
    leave: (app) => app.#succession.stop(),
    // The input is of no use to an actor that is restored, but asked for by its type.
    create(app, snapshot) {
      const { machine, clock } = app.#stage
      return createActor(machine, { snapshot, input: snapshot.context, clock })
    },
    ended(app, actor, thrown) {
      if (app.#stage.registry.isPresent(actor)) app.#succession.replace()
      // Since this listens, XState tells nobody if the app does not.
      if (thrown) process.emitWarning(errorOf(actor.getSnapshot().context, thrown.cause))
    },
  }

  readonly #participant: Participant
  readonly #stage: Stage & { readonly clock: Clock }
  readonly #succession: Succession<AppActor>

  constructor(stage: Stage & { readonly clock: Clock }, actor: ElectionActor) {
    const { context } = actor.getSnapshot()
    assertPath(context.path)
    this.#stage = stage
    this.#participant = new Participant(context)
    containInspection(actor)
    this.#succession = new Succession(stage, AppActor.#principal, this, actor)
    this.#succession.begin()
  }

  get entrant(): Entrant {
    return this.#succession
  }
}

function errorOf({ path, id }: ElectionContext, cause: unknown): ActorError {
  return new ActorError(
    `the actor of ${id}, on locker.machine, has left the election for ${path}, since it ended in an error: ${textOf(cause)}`,
    { path, nodeId: id, cause },
  )
}
