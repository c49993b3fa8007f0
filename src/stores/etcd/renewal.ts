import type { Lease } from '../store.js'
import { within } from './connection/within.js'
import type { Header, Terms } from './history.js'

/**
 * Whether three answers prove that the cluster keeps a renewal: they tell the same raft term.
 *
 * etcd renews a lease on the word of whoever takes itself for the raft leader, without asking a
 * quorum. One that was deposed and does not know it yet answers as well, and the cluster never
 * hears of that renewal. The linearizable read afterwards proves that a quorum still took that
 * term's leader for its leader; the answer before, that the member that answered the renewal had not
 * asked the leader of an earlier term.
 *
 * @param termsBefore The terms that members had told before the renewal was sent.
 * @param renewal The header of its answer.
 * @param after The header of the answer to a linearizable read that was sent after that.
 */
export function confirmsRenewal(
  termsBefore: Terms,
  renewal: Pick<Header, 'member_id' | 'raft_term'>,
  after: Pick<Header, 'raft_term'>,
): boolean {
  const before = termsBefore.get(renewal.member_id)
  return before === renewal.raft_term && renewal.raft_term === after.raft_term
}

/** A renewal that is on its way: first its answer is awaited, then what confirms it. */
export class RenewalUnderway {
  readonly lease: Lease
  /** The granted ttl, once it counts, in milliseconds. */
  readonly ttlMs: Promise<number>
  readonly #succeeded: Promise<boolean>
  /** Since when what is awaited now has been awaited. */
  #since = performance.now()

  /** @param renew Calls `onStep` when it begins to await something else. */
  constructor(lease: Lease, renew: (onStep: () => void) => Promise<number>) {
    this.lease = lease
    this.ttlMs = renew(() => {
      this.#since = performance.now()
    })
    this.#succeeded = this.ttlMs.then(
      () => true,
      () => false,
    )
  }

  /**
   * Resolves with whether it counts, and with false when it becomes late, or at `endsAt`.
   *
   * @param lateMs How long an answer may take now, in milliseconds.
   */
  async succeeds(lateMs: () => number, endsAt: number): Promise<boolean> {
    for (;;) {
      const leftMs = Math.min(this.#since + lateMs(), endsAt) - performance.now()
      if (leftMs <= 0) return false
      try {
        return await within(leftMs, 'renewing the session', this.#succeeded)
      } catch {
        // It is late, unless it has taken a step meanwhile.
      }
    }
  }
}
