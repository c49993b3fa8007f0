import { createActor } from 'xstate'
import type { ElectionActor, ElectionContext, ElectionMachine } from '../../machines/election.js'
import type { Clock } from '../clock.js'
import { ActorError, textOf } from '../errors.js'
import { containInspection } from '../inspection/contain-inspection.js'
import { hasLeft, leavingSnapshot, MOST_REPLACEMENTS } from './leaving.js'
import { Participant } from './participant.js'
import type { Registry } from './registry.js'
import { stopServices } from './stop-services.js'

/** What it takes to run the machine in place of an actor that has ended. */
interface Stage {
  readonly machine: ElectionMachine
  readonly clock: Clock
  readonly registry: Registry
  /** Leaves without a word. */
  abandon(participant: Participant): Promise<void>
}

/**
 * An actor of an app's own, which runs the machine without a LockedNode. One that ends while it is in
 * the election can never release its path, which would stay held for as long as the locker renews its
 * session: another one leaves in its place.
 */
export class AppActor {
  readonly participant: Participant
  readonly #stage: Stage
  #actor: ElectionActor
  /** Those who wait for it to leave. */
  readonly #waiting = new Set<() => void>()
  /** How many actors have taken the place of one that had ended, since one has left the election. */
  #replacements = 0

  constructor(stage: Stage, actor: ElectionActor) {
    this.participant = new Participant(actor.getSnapshot().context)
    this.#stage = stage
    this.#actor = actor
    containInspection(actor)
    this.#follow()
  }

  stop(): Promise<void> {
    if (hasLeft(this.#actor)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      this.#actor.send({ type: 'stop' })
    })
  }

  #follow(): void {
    const actor = this.#actor
    const { registry } = this.#stage
    registry.enter(actor, this)
    actor.on('released', () => this.#left())
    actor.on('settled', () => registry.left(actor))
    actor.subscribe({
      complete: () => this.#replace(),
      error: (cause) => {
        stopServices(actor)
        this.#replace()
        // Since this listens, XState tells nobody if the app does not.
        process.emitWarning(errorOf(actor.getSnapshot().context, cause))
      },
    })
  }

  #left(): void {
    this.#replacements = 0
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #replace(): void {
    const { machine, clock, registry } = this.#stage
    const ended = this.#actor
    if (!registry.isPresent(ended)) return
    registry.left(ended)
    this.#replacements += 1
    if (this.#replacements > MOST_REPLACEMENTS) {
      void this.#stage.abandon(this.participant).then(() => this.#left())
      return
    }
    this.#actor = createActor(machine, {
      snapshot: leavingSnapshot(machine, ended.getSnapshot().context),
      // Of no use to an actor that is restored, but asked for by its type.
      input: ended.getSnapshot().context,
      clock,
    })
    this.#follow()
    registry.joined(this.#actor)
    this.#actor.start()
    this.#actor.send({ type: 'stop' })
  }
}

function errorOf({ path, id }: ElectionContext, cause: unknown): ActorError {
  return new ActorError(
    `the actor of ${id}, on locker.machine, has left the election for ${path}, since it ended in an error: ${textOf(cause)}`,
    { path, nodeId: id, cause },
  )
}
