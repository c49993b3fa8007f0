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

  /** Makes one claim. Resolves with `won` or `held`, and rejects when the store does. */
  async run(participant: Participant, value: Json): Promise<ElectionEvent> {
    const { id, instance, ttl } = participant
    participant.claimedUnder = null
    participant.doubtIn = (await this.#doubts.withdraw(participant)) ?? participant.doubtIn
    const session = await this.#sessions.current(ttl)
    const lease = session.lease.id
    participant.session = session
    participant.claimedUnder = lease
    const claim = await this.#claim(participant, encodeRecord({ id, value, instance }), session)
    if (claim.won) {
      const { token } = claim
      participant.reign = { token, lease }
      const holder = { id, value, instance, token, session: lease }
      return { type: 'won', holder, validityMs: session.validityMs }
    }
    const { entry, revision } = claim
    const holder = holderFrom(entry)
    // A record of one's own that was left is released on stop as well.
    const isOwn = holder.instance === instance && entry.lease === lease
    participant.reign = isOwn ? { token: entry.token, lease } : null
    return { type: 'held', holder, revision, lease }
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
