import type { Holder } from '../../machines/election.js'
import { encodeRecord } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { isAnswer } from './is-answer.js'
import type { Participant } from './participant.js'
import type { Means, Task } from './service.js'

/** Deletes this node's record, if it is the holder, and leaves the session. */
export function release(means: Means, { participant, input: { holder }, send }: Task): undefined {
  const leave = async () => {
    const isOwn = holder !== null && holder.instance === participant.instance
    const unanswered = isOwn ? await deleteRecord(means, participant, holder) : null
    if (await participant.leave(means.sessions)) means.uses.end()
    send({ type: 'released', ...(unanswered !== null && { lease: unanswered }) })
  }
  void leave()
}

/** Resolves with the lease that it stands under if there was no answer. */
async function deleteRecord(
  { store }: Means,
  { path, id, instance, ttl, session }: Participant,
  { value, token, session: lease }: Holder,
): Promise<string | null> {
  // Under a session that is over it goes with its lease.
  if (lease === null || (lease === session?.lease.id && !session.isValid)) return null
  const notice = encodeRecord({ id, value, instance, released: true })
  try {
    await store.release(path, { token, lease }, notice, { timeoutMs: timeoutMsFor(ttl) })
    return null
  } catch (thrown) {
    return isAnswer(thrown) ? null : lease
  }
}
