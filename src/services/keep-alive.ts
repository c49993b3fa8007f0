import type { ElectionEvent } from '../../machines/election.js'
import { backoff } from '../backoff.js'
import { type Clock, sleep } from '../clock.js'
import { RefusedError } from '../errors.js'
import type { SessionListener } from '../sessions/session.js'
import type { SessionPool } from '../sessions/session-pool.js'
import type { Failures } from './failures.js'
import type { Participant } from './participant.js'

/** As short as a follower's claim needs it, once the store can be reached. */
const BACKOFF = { firstMs: 200, longestMs: 1_000 }

/** What it takes to open another session. */
interface Means {
  readonly sessions: SessionPool
  readonly clock: Clock
  readonly failures: Failures
}

/**
 * What one node is told of its session, as events of its statechart. A leader's session ends once
 * and for all; a follower without one opens another, so as to be ready, and to notice a frozen
 * connection. It is told of the end of its session when the other one is open: by then etcd may have
 * another history, of which its watch tells nothing, and a claim shows who holds the path.
 */
export class KeepingAlive implements SessionListener {
  readonly #means: Means
  readonly #participant: Participant
  readonly #send: (event: ElectionEvent) => void
  readonly #isLeader: boolean
  #reopening: AbortController | null = null

  constructor(
    means: Means,
    participant: Participant,
    send: (event: ElectionEvent) => void,
    isLeader: boolean,
  ) {
    this.#means = means
    this.#participant = participant
    this.#send = send
    this.#isLeader = isLeader
    this.#follow()
  }

  renewed(validityMs: number): void {
    this.#send({ type: 'renewed', validityMs })
  }

  retrying(error: Error, attempt: number): void {
    this.#send({ type: 'retrying', error: this.#means.failures.of(error), attempt })
  }

  ended(refusal: RefusedError | null): void {
    if (refusal !== null) this.#refused(refusal)
    else if (this.#isLeader) this.#send({ type: 'expired' })
    else void this.#reopen()
  }

  close(): void {
    this.#reopening?.abort()
    this.#participant.session?.unsubscribe(this)
  }

  #follow(): void {
    const { session } = this.#participant
    if (session?.check()) session.subscribe(this)
    else this.ended(null)
  }

  async #reopen(): Promise<void> {
    const { sessions, clock } = this.#means
    this.#reopening = new AbortController()
    const { signal } = this.#reopening
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        this.#participant.session = await sessions.current(this.#participant.ttl)
        if (!signal.aborted) this.#send({ type: 'expired' })
        return
      } catch (thrown) {
        if (signal.aborted) return
        if (thrown instanceof RefusedError) {
          this.#refused(thrown)
          return
        }
        this.#send({ type: 'retrying', error: this.#means.failures.of(thrown), attempt })
        await sleep(clock, backoff(attempt, BACKOFF), signal)
      }
    }
  }

  #refused(error: RefusedError): void {
    this.#send({ type: 'refused', error: this.#means.failures.of(error) })
  }
}
