import { holderFrom } from '../record.js'
import type { Session } from '../sessions/session.js'
import type { Sighting, Watch, WatchListener } from '../stores/store.js'
import { attend } from './attend.js'
import type { Failures } from './failures.js'
import type { Going, Means, Task } from './service.js'

/** Watches the path from what the node knows on; and for a leader, what comes to stand beside it. */
export function watch(means: Means, task: Task): Going {
  return new Watching(means, task)
}

/**
 * What one node is told of its path, as events of its statechart. There is one for each leader and
 * follower: an instance takes a fraction of the memory that as many closures would.
 */
class Watching implements WatchListener {
  readonly #failures: Failures
  readonly #session: Session | null
  readonly #send: Task['send']
  readonly #watch: Watch
  readonly #attending: Going | null

  constructor(means: Means, task: Task) {
    const { store, failures } = means
    const { participant, input, send } = task
    this.#failures = failures
    this.#session = participant.session
    this.#send = send
    this.#watch = store.watch(participant.path, input.revision + 1, this)
    this.#attending = input.leads ? attend(means, task) : null
  }

  seen({ entry, revision }: Sighting): void {
    this.#checkSession()
    this.#send(
      entry === null
        ? { type: 'vacated', revision }
        : { type: 'changed', holder: holderFrom(entry), revision },
    )
  }

  /** The statechart knows whether it is what it knew. */
  found(sighting: Sighting): void {
    this.seen(sighting)
  }

  retrying(error: Error, attempt: number): void {
    this.#checkSession()
    this.#send({ type: 'retrying', error: this.#failures.of(error), attempt })
  }

  refused(error: Error): void {
    this.#send({ type: 'refused', error: this.#failures.of(error) })
  }

  close(): void {
    this.#watch.close()
    this.#attending?.close()
  }

  /** A session that ran out unnoticed is told first: nothing comes before its `expired`. */
  #checkSession(): void {
    this.#session?.check()
  }
}
