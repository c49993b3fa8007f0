import { timeoutMsFor } from '../sessions/session-pool.js'
import { reignOf } from './reign.js'
import type { Means, Task } from './service.js'

/** Installs the successor in place of this node, if its reign still lasts and the successor still waits. */
export function handOver(
  { store: { candidates }, failures }: Means,
  { participant: { path, ttl }, input: { holder, successor }, send }: Task,
): undefined {
  const reign = holder && reignOf(holder)
  if (reign === null || successor === null || candidates === undefined) {
    throw new Error('handOver: there is no reign to hand over, or nobody to hand it over to')
  }
  const request = async () =>
    candidates.install(path, reign, successor, { timeoutMs: timeoutMsFor(ttl) })
  request().then(
    (token) => send({ type: token === null ? 'declined' : 'handedOver' }),
    (thrown: unknown) => send(failures.event(thrown, reign.lease)),
  )
}
