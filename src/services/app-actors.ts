import type {
  ElectionActor,
  ElectionContext,
  ElectionEvent,
  ServiceInput,
} from '../../machines/election.js'
import { assertJson } from '../arguments.js'
import { ActorError, textOf } from '../errors.js'
import { containInspection } from '../inspection/contain-inspection.js'
import { Participant } from './participant.js'
import { stopServices } from './stop-services.js'

interface Embedded {
  readonly participant: Participant
  tell(event: ElectionEvent): void
  stop(): Promise<void>
  /** Called once nothing of it is left. */
  left(): void
}

/** How a participant leaves whose actor is gone, given what that actor knew last. */
type Leave = (
  participant: Participant,
  context: Pick<ElectionContext, 'holder' | 'value'>,
) => Promise<void>

/**
 * The machines that run as actors of an app's own, without a LockedNode. Each is known from its first
 * claim until it is released, or until its actor is stopped: an actor that is gone can never release
 * its path, which would stay held for as long as the locker renews its session.
 */
export class AppActors {
  readonly #known = new Map<string, Embedded>()
  readonly #leaving = new Set<Promise<void>>()
  readonly #leave: Leave

  constructor(leave: Leave) {
    this.#leave = leave
  }

  /**
   * @param actor The one that runs the machine.
   * @throws TypeError or RangeError when its value is not JSON: the actor ends with that.
   */
  participantOf({ instance, value }: ServiceInput, actor: ElectionActor | undefined): Participant {
    assertJson(value)
    const known = this.#known.get(instance)
    if (known !== undefined) return known.participant
    if (actor === undefined) throw new Error('locked: a service was started outside of a machine')
    const participant = new Participant(actor.getSnapshot().context)
    const embedded = this.#embed(participant, actor)
    this.#known.set(instance, embedded)
    return embedded.participant
  }

  /** The participant is released. Does nothing if it is not one of these. */
  dismiss({ instance }: Participant): void {
    this.#known.get(instance)?.left()
    this.#known.delete(instance)
  }

  tellAll(event: ElectionEvent): void {
    for (const one of [...this.#known.values()]) one.tell(event)
  }

  /** Resolves once all are released, those as well whose actors are gone. */
  async stopAll(): Promise<void> {
    await Promise.all([...[...this.#known.values()].map((one) => one.stop()), ...this.#leaving])
  }

  #embed(participant: Participant, actor: ElectionActor): Embedded {
    let left = () => {}
    const gone = new Promise<void>((resolve) => {
      left = resolve
    })
    const abandoned = () => {
      this.#known.delete(participant.instance)
      const leaving = this.#leave(participant, actor.getSnapshot().context).finally(() => {
        this.#leaving.delete(leaving)
        left()
      })
      this.#leaving.add(leaving)
    }
    const ended = (cause: unknown) => {
      const { path, id } = participant
      stopServices(actor)
      abandoned()
      // Since this listens, XState tells nobody if the app does not.
      process.emitWarning(
        new ActorError(
          `the actor of ${id}, on locker.machine, has left the election for ${path}, since it ended in an error: ${textOf(cause)}`,
          { path, nodeId: id, cause },
        ),
      )
    }
    containInspection(actor)
    const subscription = actor.subscribe({ complete: abandoned, error: ended })
    return {
      participant,
      tell: (event) => actor.send(event),
      stop() {
        actor.send({ type: 'stop' })
        return gone
      },
      left() {
        subscription.unsubscribe()
        left()
      },
    }
  }
}
