import { encodeHolder } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { reignOf } from './reign.js'
import type { Means, Task } from './service.js'

/** Writes the node's value to the path, if its reign still lasts. */
export function propose({ store, failures }: Means, { participant, input, send }: Task): undefined {
  const { path, id, instance, ttl } = participant
  const { value, holder } = input
  const reign = holder && reignOf(holder)
  if (holder === null || reign === null) throw new Error('propose: there is no reign to propose in')
  const text = encodeHolder(holder, { id, value, instance })
  const request = async () => store.propose(path, text, reign, { timeoutMs: timeoutMsFor(ttl) })
  request().then(
    (revision) =>
      send(revision === null ? { type: 'reignOver' } : { type: 'proposed', value, revision }),
    (thrown: unknown) => send(failures.eventOfValue(thrown)),
  )
}
