import { timeoutMsFor } from '../sessions/session-pool.js'
import { reignOf } from './reign.js'
import type { Means, Task } from './service.js'

/** Deletes the record of this node's own that stands at the path, if it is still the one that was found. */
export function clear({ store, failures }: Means, { participant, input, send }: Task): undefined {
  const { path, ttl } = participant
  const reign = input.holder && reignOf(input.holder)
  if (reign === null) throw new Error('clear: there is no record to clear')
  const request = async () => store.release(path, reign, null, { timeoutMs: timeoutMsFor(ttl) })
  request().then(
    () => send({ type: 'cleared' }),
    (thrown: unknown) => send(failures.event(thrown, reign.lease)),
  )
}
