import type { ElectionEvent, Json } from '../../machines/election.js'
import { LeaseGoneError, UnreachableError } from '../errors.js'
import { encodeRecord, holderFrom } from '../record.js'
import type { Session } from '../sessions/session.js'
import { type SessionPool, timeoutMsFor } from '../sessions/session-pool.js'
import type { Claim, Entry, Store } from '../stores/store.js'
import type { Doubts } from './orphans.js'
import type { Participant } from './participant.js'

/** What stands at a path after a claim, and the store's revision by then. */
interface Standing {
  readonly entry: Entry
  readonly revision: number
}

/** Makes claims, at most one at a time for each path: the nodes of a locker share its answer. */
export class Campaign {
  readonly #store: Store
  readonly #sessions: SessionPool
  readonly #doubts: Doubts
  readonly #claims = new Map<string, Promise<Standing>>()

  constructor(store: Store, sessions: SessionPool, doubts: Doubts) {
    this.#store = store
    this.#sessions = sessions
    this.#doubts = doubts
  }

  /**
   * One claim, as `won` or `held`; rejects when the store does. One that finds a holder who is just
   * leaving is repeated once, if it `isWanted` still.
   *
   * A record of this node's own that it finds is left from a claim or a release that had no answer.
   * It is released and claimed afresh, never taken over: that release may still be on its way, and
   * would end a reign that was taken over without anybody knowing. One under a lease that it never had
   * is not an app actor's own to release: it may have been restored from a snapshot, and the one that
   * it is a copy of may still lead.
   */
  async run(
    participant: Participant,
    value: Json,
    isWanted: () => boolean,
  ): Promise<ElectionEvent> {
    const { path, id, instance, ttl } = participant
    participant.doubtIn = (await this.#doubts.withdraw(participant)) ?? participant.doubtIn
    let isRepeated = false
    for (;;) {
      const earlier = [
        participant.session?.lease.id,
        participant.doubtIn?.lease.id,
        participant.reign?.lease,
      ]
      const session = await this.#sessions.current(ttl)
      participant.session = session
      const claim = await this.#claim(participant, encodeRecord({ id, value, instance }), session)
      if (claim.won) {
        const { token } = claim
        participant.reign = { token, lease: session.lease.id }
        return {
          type: 'won',
          holder: { id, value, instance, token, session: session.lease.id },
          validityMs: session.validityMs,
        }
      }
      const { entry, revision } = claim
      const holder = holderFrom(entry)
      if (holder.released && !isRepeated && isWanted()) {
        // The claim was quicker than the deletion, which is on its way.
        isRepeated = true
        continue
      }
      const { token, lease } = entry
      const isOwn =
        !participant.mayBeCopy || lease === session.lease.id || earlier.includes(lease ?? undefined)
      if (holder.instance !== instance || lease === null || !isOwn) {
        participant.reign = null
        return { type: 'held', holder, revision }
      }
      const own = { token, lease }
      try {
        await this.#store.release(path, own, null, { timeoutMs: timeoutMsFor(ttl) })
      } catch (thrown) {
        if (thrown instanceof UnreachableError) participant.doubtIn = session
        throw thrown
      }
    }
  }

  /** The store's history was replaced: of claims on their way there is nothing to be learned. */
  reset(): void {
    this.#claims.clear()
  }

  async #claim(participant: Participant, text: string, session: Session): Promise<Claim> {
    const { path, ttl } = participant
    const others = this.#claims.get(path)
    if (others !== undefined) return { won: false, ...(await others) }
    const { lease } = session
    const claiming = this.#store.claim(path, text, lease, { timeoutMs: timeoutMsFor(ttl) })
    const standing = claiming.then((claim) => standingAfter(claim, text, lease.id))
    // Whoever waits for it hears of a failure; nobody may be waiting.
    standing.catch(() => undefined)
    this.#claims.set(path, standing)
    try {
      return await claiming
    } catch (thrown) {
      if (thrown instanceof LeaseGoneError) session.end()
      if (thrown instanceof UnreachableError) participant.doubtIn = session
      throw thrown
    } finally {
      if (this.#claims.get(path) === standing) this.#claims.delete(path)
    }
  }
}

function standingAfter(claim: Claim, text: string, lease: string): Standing {
  if (!claim.won) return claim
  const { token } = claim
  return { entry: { text, token, revision: token, lease }, revision: token }
}
