import { backoff } from '../../../../machines/backoff.js'

/** A leader of a history that was replaced hears of it within a second of etcd's return. */
const PAUSE = { firstMs: 100, longestMs: 500 }
/** Keeps a process below ten requests a second to a cluster that is down. */
const PAUSE_PER_REQUEST_MS = 130
const FIRST_PROBE_MS = 1_000
const LONGEST_PROBE_MS = 5_000

/** How members have failed of late, and what that means for the next race. */
export class Losses {
  /** Races lost in a row, and one more: the member whose failure led to them. */
  #count = 0

  get areNone(): boolean {
    return this.#count === 0
  }

  /** The member in use has failed. */
  begin(): void {
    this.#count = Math.max(this.#count, 1)
  }

  /** A race was lost: no member has answered. */
  add(): void {
    this.#count = Math.max(this.#count + 1, 2)
  }

  forget(): void {
    this.#count = 0
  }

  /** How long a member may take to be reached and to answer, in milliseconds. */
  get probeMs(): number {
    const factor = this.#count === 1 ? 2 : Math.max(1, this.#count)
    return Math.min(FIRST_PROBE_MS * factor, LONGEST_PROBE_MS)
  }

  /** How long to wait before a race of so many members, in milliseconds: it grows, with jitter. */
  pauseMs(members: number): number {
    if (this.areNone) return 0
    // Every race sends a request to each member.
    const shortest = this.#count === 1 ? 0 : members * PAUSE_PER_REQUEST_MS
    return Math.max(backoff(this.#count, PAUSE), shortest)
  }
}
