import { EventEmitter } from 'node:events'
import { createActor, type Snapshot } from 'xstate'
import type {
  ElectionActor,
  ElectionInput,
  ElectionMachine,
  Json,
} from '../../machines/election.js'
import type { Clock } from '../../src/clock.js'
import type { NodeEvents } from '../../src/node-types.js'
import type { Player } from './competitor.js'

/** All of it is in the snapshot. */
const NO_INPUT: ElectionInput = { path: '', id: '', instance: '', value: null, ttl: 0 }

/** An actor of an app's own, on a locker's machine, that goes on from a snapshot of another process. */
export class RestoredActor extends EventEmitter<NodeEvents> implements Player {
  readonly actor: ElectionActor

  constructor(machine: ElectionMachine, clock: Clock, persisted: string) {
    super()
    const snapshot: Snapshot<unknown> = JSON.parse(persisted)
    this.actor = createActor(machine, { clock, snapshot, input: NO_INPUT })
    this.actor.on('select', ({ value }) => this.emit('select', value))
    this.actor.on('deselect', ({ reason }) => this.emit('deselect', reason))
    this.actor.on('change', ({ value, id }) => this.emit('change', value, id))
    this.actor.subscribe({ error: () => this.emit('deselect', 'failed') })
  }

  /** What an app goes by: there is nothing else that it can ask. */
  get isLeader(): boolean {
    const snapshot = this.actor.getSnapshot()
    return snapshot.status === 'active' && snapshot.matches('leader')
  }

  get state(): string {
    const { status, value } = this.actor.getSnapshot()
    return status === 'active' ? JSON.stringify(value) : status
  }

  /** It has no work to be waited for. */
  get validityMs(): number {
    return 0
  }

  /** It goes on where the snapshot was taken. */
  resume(): void {
    this.actor.start()
  }

  start(): void {
    this.#send({ type: 'start' })
  }

  stop(): void {
    this.#send({ type: 'stop' })
  }

  async transfer(to?: string): Promise<void> {
    this.#send({ type: 'transfer', to: to ?? null })
  }

  propose(value: Json): void {
    this.#send({ type: 'propose', value })
  }

  /** An actor that has ended takes no part any more. */
  #send(event: Parameters<ElectionActor['send']>[0]): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event)
  }
}
