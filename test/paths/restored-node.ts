/** An actor that was restored from a node's snapshot, as a process would that has just been started. */
import { createActor, type InspectionEvent, type Snapshot, waitFor } from 'xstate'
import type { ElectionEmitted } from '../../machines/election.js'
import { type ElectionActor, locked } from '../../src/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { leafOf } from './chart.js'
import type { Gate } from './gate.js'
import { type Told, toldBy } from './told.js'

export class RestoredNode {
  readonly actor: ElectionActor
  /** It has no session before its first claim is on its way, and nothing happens to it after that. */
  readonly isLeader = false
  readonly token = null
  readonly validityMs = 0
  readonly #gate: Gate
  readonly #clock = new VirtualClock()

  constructor(
    snapshot: Snapshot<unknown>,
    gate: Gate,
    inspect: (inspected: InspectionEvent) => void,
    told: Told[],
  ) {
    this.#gate = gate
    const { machine } = locked(gate, { clock: this.#clock })
    this.actor = createActor(machine, {
      // As it would come out of a file.
      snapshot: JSON.parse(JSON.stringify(snapshot)),
      // Of no use to an actor that is restored, but asked for by its type.
      input: { path: '', id: '', instance: '', value: null, ttl: 0 },
      clock: this.#clock,
      inspect,
    })
    this.actor.on('*', (emitted: ElectionEmitted) => told.push(...toldBy(emitted)))
    this.actor.start()
  }

  get state(): string {
    return leafOf(this.actor.getSnapshot().value).split('.')[0] ?? ''
  }

  get holder() {
    const { holder } = this.actor.getSnapshot().context
    return holder && { id: holder.id, value: holder.value, token: BigInt(holder.token) }
  }

  /** Stops it, and resolves with what was left behind. */
  async close(settle: () => Promise<void>): Promise<string[]> {
    let isReleased = false
    void waitFor(this.actor, (snapshot) => snapshot.matches({ stopped: 'released' })).then(() => {
      isReleased = true
    })
    this.actor.send({ type: 'stop' })
    while (!isReleased) {
      for (const waiting of [...this.#gate.waiting]) await waiting.answer()
      await settle()
    }
    this.actor.stop()
    const left = []
    if (this.#gate.watches > 0) left.push(`restored: ${this.#gate.watches} watches are open`)
    if (this.#clock.timers > 0) left.push(`restored: ${this.#clock.timers} timers are set`)
    return left
  }
}
