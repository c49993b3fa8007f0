import { encodeRecord } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Means, Task } from './service.js'

/** Writes the node's value to the path, if its reign still lasts. */
export function propose({ store, failures }: Means, { participant, input, send }: Task): undefined {
  const { path, id, instance, ttl } = participant
  const { value, holder } = input
  const { token, session: lease } = holder ?? { token: 0, session: null }
  if (lease === null) throw new Error('propose: there is no reign to propose in')
  const text = encodeRecord({ id, value, instance })
  const request = async () =>
    store.propose(path, text, { token, lease }, { timeoutMs: timeoutMsFor(ttl) })
  request().then(
    (revision) =>
      send(revision === null ? { type: 'reignOver' } : { type: 'proposed', value, revision }),
    (thrown: unknown) => send(failures.event(thrown)),
  )
}
