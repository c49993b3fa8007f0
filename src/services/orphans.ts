import { decodeRecord } from '../record.js'
import type { Session, SessionListener } from '../sessions/session.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Store } from '../stores/store.js'
import type { Participant } from './participant.js'

interface Doubt extends SessionListener {
  readonly session: Session
  checking: Promise<void> | null
}

/** A request that was given up can still arrive, but not for ever: this many renewals later it will not. */
const ROUNDS = 10

/**
 * Stopped nodes whose last claim or release had no answer. Their record may stand at the path, or
 * come to stand there yet, under a lease that other nodes keep alive: nobody could ever be elected.
 * So it is looked for at every renewal of that session, and released.
 */
export class Doubts {
  readonly #store: Store
  readonly #doubts = new Map<string, Doubt>()

  constructor(store: Store) {
    this.#store = store
  }

  add(participant: Participant, session: Session): void {
    let rounds = 0
    const doubt: Doubt = {
      session,
      checking: null,
      renewed: () => {
        rounds += 1
        if (rounds > ROUNDS) void this.withdraw(participant)
        else doubt.checking ??= this.#check(participant, doubt)
      },
      ended: () => this.#doubts.delete(participant.instance),
    }
    session.subscribe(doubt)
    void this.withdraw(participant)
    this.#doubts.set(participant.instance, doubt)
  }

  /**
   * Resolves once nothing more is done about the node: it is about to campaign, and sees for itself.
   * The session in doubt is handed back, since what is late may arrive after the node has stopped again.
   */
  async withdraw({ instance }: Participant): Promise<Session | null> {
    const doubt = this.#doubts.get(instance)
    if (doubt === undefined) return null
    this.#doubts.delete(instance)
    doubt.session.unsubscribe(doubt)
    await doubt.checking
    return doubt.session
  }

  async #check(participant: Participant, doubt: Doubt): Promise<void> {
    const { path, instance, ttl } = participant
    const call = { timeoutMs: timeoutMsFor(ttl) }
    try {
      const { entry } = await this.#store.read(path, call)
      // Under another lease it is of an actor that was restored from this one's snapshot.
      const { id: lease } = doubt.session.lease
      if (entry === null || entry.lease !== lease) return
      if (decodeRecord(entry.text)?.instance !== instance) return
      if (this.#doubts.get(instance) !== doubt) return
      await this.#store.release(path, { token: entry.token, lease }, null, call)
    } catch {
      // The next round tries again.
    } finally {
      doubt.checking = null
    }
  }
}
