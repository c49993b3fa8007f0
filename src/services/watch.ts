import type { ElectionEvent } from '../../machines/election.js'
import { holderFrom } from '../record.js'
import type { Sighting, Store, Watch, WatchListener } from '../stores/store.js'
import type { Failures } from './failures.js'
import type { Participant } from './participant.js'

/**
 * What one node is told of its path, as events of its statechart. There is one for each leader and
 * follower: an instance takes a fraction of the memory that as many closures would.
 */
export class Watching implements WatchListener {
  readonly #failures: Failures
  readonly #participant: Participant
  readonly #send: (event: ElectionEvent) => void
  readonly #watch: Watch

  constructor(
    store: Store,
    failures: Failures,
    participant: Participant,
    send: (event: ElectionEvent) => void,
    from: number,
  ) {
    this.#failures = failures
    this.#participant = participant
    this.#send = send
    this.#watch = store.watch(participant.path, from, this)
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
  }

  /** A session that ran out unnoticed is told first: nothing comes before its `expired`. */
  #checkSession(): void {
    if (this.#participant.reign !== null) this.#participant.session?.check()
  }
}
