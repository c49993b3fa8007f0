import type { ElectionEvent, Json } from '../../machines/election.js'
import { LeaseGoneError } from '../errors.js'
import { encodeRecord, holderFrom } from '../record.js'
import type { Session } from '../sessions/session.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import { isAnswer } from './is-answer.js'
import { candidacyOf, type Participant } from './participant.js'
import type { Going, Means, Task } from './service.js'

/** Makes one claim, under a session that is opened for it if there is none; unless it is stopped before. */
export function campaign(means: Means, { participant, input, send }: Task): Going {
  if (participant.join(means.sessions)) means.uses.begin()
  let isStopped = false
  const open = async () => {
    if (isStopped) return null
    const session = await participant.open(means.sessions)
    return isStopped ? null : session
  }
  const { outcome, hurry } = means.claims.inTurn(() => claim(means, participant, input.value, open))
  participant.claims(outcome)
  const unhear = participant.hear(send)
  return {
    close() {
      isStopped = true
      unhear?.()
      hurry()
    },
  }
}

/** What came of the claim. Never rejects. */
async function claim(
  { store: { candidates }, claims, failures }: Means,
  participant: Participant,
  value: Json,
  open: () => Promise<Session | null>,
): Promise<ElectionEvent> {
  const { path, id, instance, ttl } = participant
  let lease: string | null = null
  try {
    const session = await open()
    if (session === null) return { type: 'withdrawn' }
    const others = claims.ofAnother(path)
    if (others === undefined) lease = session.lease.id
    const text = encodeRecord({ id, value, instance })
    const claimed = await (others ??
      claims
        .make(
          path,
          text,
          session.lease,
          { timeoutMs: timeoutMsFor(ttl) },
          candidacyOf(participant, value),
        )
        .catch(endIfGone(session)))
    if (!claimed.won) {
      const { entry, revision, hasEntered } = claimed
      // A claim of another node has entered that one; where there are no candidates nothing is to be done.
      const isEntered = candidates === undefined || (others === undefined && hasEntered === true)
      return {
        type: 'held',
        holder: holderFrom(entry),
        revision,
        lease: session.lease.id,
        ...(isEntered && { entered: { value } }),
      }
    }
    const { token } = claimed
    participant.aloneAt = claimed.isAlone === true ? token : null
    const holder = { id, value, instance, token, session: session.lease.id }
    return { type: 'won', holder, validityMs: session.validityMs }
  } catch (thrown) {
    if (!isAnswer(thrown)) claims.hurryAll()
    return failures.event(thrown, lease)
  }
}

/** Without its lease a session is over, whatever it thinks itself. */
function endIfGone(session: Session): (thrown: unknown) => never {
  return (thrown) => {
    if (thrown instanceof LeaseGoneError) session.end()
    throw thrown
  }
}
