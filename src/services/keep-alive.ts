import type { RefusedError } from '../errors.js'
import type { Session, SessionListener } from '../sessions/session.js'
import type { Going, Means, Task } from './service.js'

/** Keeps the session alive, as long as the state lasts. */
export function keepAlive(means: Means, task: Task): Going {
  return new KeepingAlive(means, task)
}

/**
 * What one node is told of its session, as events of its statechart. There is one for each leader and
 * follower: an instance takes a fraction of the memory that as many closures would.
 */
class KeepingAlive implements SessionListener {
  readonly #means: Means
  readonly #session: Session | null
  readonly #send: Task['send']

  constructor(means: Means, { participant, send }: Task) {
    this.#means = means
    this.#session = participant.session
    this.#send = send
    if (this.#session?.check()) this.#session.subscribe(this)
    else this.ended(null)
  }

  renewed(validityMs: number): void {
    this.#send({ type: 'renewed', validityMs })
  }

  retrying(error: Error, attempt: number): void {
    this.#send({ type: 'retrying', error: this.#means.failures.of(error), attempt })
  }

  ended(refusal: RefusedError | null): void {
    if (refusal === null) this.#send({ type: 'expired' })
    else this.#send({ type: 'refused', error: this.#means.failures.of(refusal) })
  }

  close(): void {
    this.#session?.unsubscribe(this)
  }
}
