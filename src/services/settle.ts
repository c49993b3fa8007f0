import { RefusedError } from '../errors.js'
import { holderFrom } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Going, Means, Task } from './service.js'

/**
 * Looks at the path when the session of the request without answer is renewed next: by other nodes,
 * since this one has left it. What the request leaves would stand there for as long as they renew it.
 */
export function settle(
  { store, failures }: Means,
  { participant: { path, instance, ttl, session }, input: { unanswered }, send }: Task,
): Going | undefined {
  if (session === null || session.lease.id !== unanswered || !session.check()) {
    send({ type: 'settled' })
    return undefined
  }
  const look = async () => {
    const call = { timeoutMs: timeoutMsFor(ttl) }
    // It may have entered the node as candidate as well.
    const { candidates } = store
    const { entry, revision } = await (candidates?.leave(path, instance, call) ??
      store.read(path, call))
    if (entry === null) send({ type: 'vacated', revision })
    else send({ type: 'held', holder: holderFrom(entry), revision, lease: unanswered })
  }
  const listener = {
    renewed() {
      session.unsubscribe(listener)
      look().catch((thrown: unknown) =>
        // It has left: what it may not look for now is left to the lease.
        send(
          thrown instanceof RefusedError
            ? { type: 'refused', error: failures.of(thrown) }
            : failures.event(thrown),
        ),
      )
    },
    ended: () => send({ type: 'settled' }),
  }
  session.subscribe(listener)
  return { close: () => session.unsubscribe(listener) }
}
