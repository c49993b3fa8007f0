import type { Holder } from '../../machines/election.js'
import { encodeHolder } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { isAnswer } from './is-answer.js'
import { leaveSession } from './leave-session.js'
import type { Participant } from './participant.js'
import { reignOf } from './reign.js'
import type { Means, Task } from './service.js'

/** Deletes the record of this node, if one stands there; and leaves the session, if it has no entry besides. */
export function release(
  means: Means,
  { participant, input: { holder, entered }, send }: Task,
): undefined {
  const request = async () => {
    const isOwn = holder?.instance === participant.instance
    const lease = isOwn ? await deleteRecord(means, participant, holder) : null
    const unanswered = lease === null ? {} : { lease }
    if (entered !== null) {
      send({ type: 'deleted', ...unanswered })
      return
    }
    await leaveSession(means, participant)
    send({ type: 'released', ...unanswered })
  }
  void request()
}

/** Resolves with the lease that it stands under if there was no answer. */
async function deleteRecord(
  { store }: Means,
  { path, id, instance, ttl, session }: Participant,
  holder: Holder,
): Promise<string | null> {
  const reign = reignOf(holder)
  // Under a session that is over it goes with its lease.
  if (reign === null || (reign.lease === session?.lease.id && !session.isValid)) return null
  const notice = encodeHolder(holder, { id, value: holder.value, instance, released: true })
  try {
    await store.release(path, reign, notice, { timeoutMs: timeoutMsFor(ttl) })
    return null
  } catch (thrown) {
    return isAnswer(thrown) ? null : reign.lease
  }
}
