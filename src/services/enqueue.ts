import { timeoutMsFor } from '../sessions/session-pool.js'
import { candidacyOf } from './participant.js'
import type { Means, Task } from './service.js'

/** Enters the node as candidate with the value that it has now; where the store has none, there is nothing to do. */
export function enqueue({ store, failures }: Means, { participant, input, send }: Task): undefined {
  const { path, ttl, session } = participant
  const { value, entered: before } = input
  if (session === null) throw new Error('enqueue: there is no session to enter under')
  const { lease } = session
  const entered = (revision: number) => send({ type: 'entered', value, lease: lease.id, revision })
  const { candidates } = store
  if (candidates === undefined) {
    entered(0)
    return
  }
  const candidacy = candidacyOf(participant, value)
  const request = async () =>
    candidates.enter(path, candidacy, lease, { timeoutMs: timeoutMsFor(ttl) })
  request().then(entered, (thrown: unknown) =>
    // With none before, the store takes none of this node’s.
    send(
      before === null ? failures.event(thrown, lease.id) : failures.eventOfValue(thrown, lease.id),
    ),
  )
}
