import type { ElectionEvent, Holder } from '../../machines/election.js'
import { UnreachableError } from '../errors.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Store } from '../stores/store.js'
import type { Participant } from './participant.js'

/** Deletes a record that an earlier request of this node has left at the path. Rejects when the store does. */
export async function clear(
  store: Store,
  participant: Participant,
  { token, session: lease }: Holder,
): Promise<ElectionEvent> {
  const { path, ttl, session } = participant
  if (lease === null) return { type: 'cleared' }
  try {
    await store.release(path, { token, lease }, null, { timeoutMs: timeoutMsFor(ttl) })
  } catch (thrown) {
    if (thrown instanceof UnreachableError) participant.doubtIn = session
    throw thrown
  }
  participant.reign = null
  return { type: 'cleared' }
}
