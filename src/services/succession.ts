import type { SnapshotFrom } from 'xstate'
import type { ElectionActor, ElectionEmitted, ElectionMachine } from '../../machines/election.js'
import { hasLeft, leavingSnapshot, leftSnapshot } from './leaving.js'
import type { Participant } from './participant.js'
import type { Entrant, Registry } from './registry.js'
import { stopServices } from './stop-services.js'

/** So many actors are tried, one after the other ends, before an election is left without a word. */
const MOST_REPLACEMENTS = 3

const NOBODY: readonly never[] = []

/** What it takes to run the machine in place of an actor that has ended. */
export interface Stage {
  readonly machine: ElectionMachine
  readonly registry: Registry
  /** Leaves without a word. */
  abandon(participant: Participant): Promise<void>
}

/** What is done for `one`, for whom the actors run; the same for thousands of them. */
export interface Principal<One> {
  readonly isApps: boolean
  participant(one: One): Participant
  /** Stops it, as its user would. */
  leave(one: One): Promise<void>
  /** Makes an actor that begins with that snapshot. */
  create(one: One, snapshot: SnapshotFrom<ElectionMachine>): ElectionActor
  /** Another actor is about to run for it. */
  follows?(one: One): void
  /** The actor has told that. */
  hears?(one: One, emitted: ElectionEmitted): void
  /** The actor has ended, in an error if that is so: whether it is replaced is for the principal to decide. */
  ended(one: One, actor: ElectionActor, thrown?: { readonly cause: unknown }): void
}

/**
 * The actors that run the machine for one node, or one app, each in the place of the one before, which
 * has ended. One that ends while it is in the election can never release its path, which would stay
 * held for as long as the locker renews its session: the next one does what it would have done when it
 * was told to stop.
 */
export class Succession<One> implements Entrant {
  readonly #stage: Stage
  readonly #principal: Principal<One>
  readonly #one: One
  #actor: ElectionActor
  /** Those who wait for it to leave. */
  #waiting: readonly (() => void)[] = NOBODY
  /** How many actors have taken the place of one that had ended, since one has left the election. */
  #replacements = 0

  constructor(stage: Stage, principal: Principal<One>, one: One, first: ElectionActor) {
    this.#stage = stage
    this.#principal = principal
    this.#one = one
    this.#actor = first
  }

  get participant(): Participant {
    return this.#principal.participant(this.#one)
  }

  get isApps(): boolean {
    return this.#principal.isApps
  }

  get actor(): ElectionActor {
    return this.#actor
  }

  /** Whether anybody waits for it to leave. */
  get isStopping(): boolean {
    return this.#waiting.length > 0
  }

  /** Listens to the actor, which is about to start. */
  begin(): void {
    const actor = this.#actor
    this.#stage.registry.enter(actor, this)
    actor.on('*', (emitted) => this.#hear(emitted))
    // What is made for each of thousands of nodes takes their memory: this has the two methods that are asked for.
    actor.subscribe(this)
    this.#principal.follows?.(this.#one)
  }

  /** XState’s word for an actor that has ended. */
  complete(): void {
    this.#principal.ended(this.#one, this.#actor)
  }

  /** XState’s word for an actor that has ended in an error. */
  error(cause: unknown): void {
    stopServices(this.#actor)
    this.#principal.ended(this.#one, this.#actor, { cause })
  }

  leave(): Promise<void> {
    return this.#principal.leave(this.#one)
  }

  /** Resolves once the election is left. */
  stop(): Promise<void> {
    if (hasLeft(this.#actor)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting = [...this.#waiting, resolve]
      this.#actor.send({ type: 'stop' })
    })
  }

  /** Another actor leaves in the place of the one that has ended. */
  replace(): void {
    const { machine, registry } = this.#stage
    const ended = this.#actor.getSnapshot()
    registry.left(this.#actor)
    this.#replacements += 1
    // Whatever ends one after the other would do so for ever.
    const isLast = this.#replacements > MOST_REPLACEMENTS
    const snapshot = (isLast ? leftSnapshot : leavingSnapshot)(machine, ended)
    this.#actor = this.#principal.create(this.#one, snapshot)
    this.begin()
    this.#actor.start()
    if (isLast) {
      void this.#stage.abandon(this.participant).then(() => this.#left())
      return
    }
    registry.joined(this.#actor)
    this.#actor.send({ type: 'stop' })
  }

  #hear(emitted: ElectionEmitted): void {
    if (emitted.type === 'released') this.#left()
    else if (emitted.type === 'settled') this.#stage.registry.left(this.#actor)
    this.#principal.hears?.(this.#one, emitted)
  }

  #left(): void {
    this.#replacements = 0
    const waiting = this.#waiting
    this.#waiting = NOBODY
    for (const resolve of waiting) resolve()
  }
}
