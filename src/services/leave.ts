import type { ElectionEvent } from '../../machines/election.js'
import { holderFrom } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { isAnswer } from './is-answer.js'
import { leaveSession } from './leave-session.js'
import type { Means, Task } from './service.js'

/** Deletes the entry of this node, and leaves the session, unless the node was installed just now. */
export function leave(means: Means, task: Task): undefined {
  const { participant, send } = task
  const request = async () => {
    const left = await deleteEntry(means, task)
    if (left.type === 'released') await leaveSession(means, participant)
    send(left)
  }
  void request()
}

/** Whose entry is gone is installed no more; whether it has been before is told by what stands at the path. */
async function deleteEntry(
  { store: { candidates } }: Means,
  { participant: { path, instance, ttl, session }, input: { entered, holder: left } }: Task,
): Promise<ElectionEvent> {
  const lease = entered?.lease
  const isOver = lease === undefined || lease !== session?.lease.id || !session.isValid
  if (candidates === undefined || isOver) return { type: 'released' }
  // A record whose deletion had no answer is the greater doubt, and is looked after by `settle`.
  const isInDoubt = left?.instance === instance
  try {
    const call = { timeoutMs: timeoutMsFor(ttl) }
    const { entry, revision } = await candidates.leave(path, instance, call)
    const holder = entry && holderFrom(entry)
    // Whatever else was left of it stands under another lease, and goes with that.
    const isInstalled = holder?.instance === instance && holder.session === lease
    return isInstalled && !isInDoubt
      ? { type: 'held', holder, revision, lease }
      : { type: 'released' }
  } catch (thrown) {
    const isUnanswered = !isAnswer(thrown) && !isInDoubt
    return { type: 'released', ...(isUnanswered && { lease }) }
  }
}
