import type { AnyActorRef } from 'xstate'
import type { ElectionActor, ElectionEvent } from '../../machines/election.js'
import type { Participant } from './participant.js'

/** For whom the services of an actor work. */
export interface Entrant {
  readonly participant: Participant
  /** Whether it is an app’s own, which may have been given anything. */
  readonly isApps: boolean
  /** Stops it. Resolves once it has left the election. */
  leave(): Promise<void>
}

/** The actors that run the statechart of a locker: those of its nodes, and an app’s own. */
export class Registry {
  readonly #entrants = new WeakMap<AnyActorRef, Entrant>()
  /** Those in the election. Nothing here holds on to an actor that has left it. */
  readonly #present = new Map<ElectionActor, Entrant>()
  readonly #participants = new Map<string, Participant>()

  enter(actor: ElectionActor, entrant: Entrant): void {
    this.#entrants.set(actor, entrant)
  }

  find(actor: AnyActorRef): Entrant | undefined {
    return this.#entrants.get(actor)
  }

  isPresent(actor: ElectionActor): boolean {
    return this.#present.has(actor)
  }

  /**
   * The actor takes part, until it has left.
   *
   * @throws RangeError when another one takes part with the same instance: each would take the records
   *   of the other for its own, and delete them.
   */
  joined(actor: ElectionActor): void {
    const entrant = this.#entrants.get(actor)
    if (entrant === undefined) return
    const { participant } = entrant
    const other = this.#participants.get(participant.instance) ?? participant
    if (other !== participant) {
      throw new RangeError(
        `instance: must be one that no other actor of this locker has; ${participant.instance} is that of an actor which still takes part for ${other.path}`,
      )
    }
    this.#participants.set(participant.instance, participant)
    this.#present.set(actor, entrant)
  }

  /** Nothing is left of it, or another takes its place. */
  left(actor: ElectionActor): void {
    const participant = this.#present.get(actor)?.participant
    this.#present.delete(actor)
    if (participant !== undefined) this.#participants.delete(participant.instance)
  }

  tellAll(event: ElectionEvent): void {
    for (const actor of [...this.#present.keys()]) {
      // One that has ended in an error hears nothing more.
      if (actor.getSnapshot().status === 'active') actor.send(event)
    }
  }

  /** Resolves once all have left the election. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#present.values()].map((entrant) => entrant.leave()))
  }
}
