import type { ElectionEvent, Holder } from '../../machines/election.js'
import { encodeHolder, holderFrom } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { isAnswer } from './is-answer.js'
import type { Participant } from './participant.js'
import { reignOf } from './reign.js'
import type { Means, Task } from './service.js'

const GONE = { type: 'released' } as const

/** Deletes what stands there of this node, its record or its entry as candidate, and leaves the session. */
export function release(means: Means, task: Task): undefined {
  const { participant, input, send } = task
  const { holder, entered } = input
  const leave = async () => {
    const isOwn = holder?.instance === participant.instance
    const unanswered = isOwn ? await deleteRecord(means, participant, holder) : null
    const left = entered === null ? GONE : await deleteEntry(means, participant, entered.lease)
    // A record whose deletion had no answer may stand there still: that is looked after by `settle`.
    if (left.type === 'held' && unanswered === null) {
      send(left)
      return
    }
    if (await participant.leave(means.sessions)) means.uses.end()
    // A record is the greater doubt.
    send(unanswered === null ? left : { type: 'released', lease: unanswered })
  }
  void leave()
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

/** Whose entry is gone is installed no more; whether it has been before is told by what stands at the path. */
async function deleteEntry(
  { store: { candidates } }: Means,
  { path, instance, ttl, session }: Participant,
  lease: string,
): Promise<ElectionEvent> {
  const isOver = lease !== session?.lease.id || !session.isValid
  if (candidates === undefined || isOver) return GONE
  try {
    const call = { timeoutMs: timeoutMsFor(ttl) }
    const { entry, revision } = await candidates.leave(path, instance, call)
    const holder = entry && holderFrom(entry)
    // Whatever else was left of it stands under another lease, and goes with that.
    const isInstalled = holder?.instance === instance && holder.session === lease
    if (!isInstalled) return GONE
    return { type: 'held', holder, revision, lease }
  } catch (thrown) {
    return { type: 'released', ...(!isAnswer(thrown) && { lease }) }
  }
}
