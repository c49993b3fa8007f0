import type { Successor } from '../../machines/election.js'
import { decodeRecord } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Call, Candidate, Candidates } from '../stores/store.js'
import type { Queue } from './queue.js'
import type { Going, Means, Task } from './service.js'

/** So long after a leader has stopped, in milliseconds, what it knew of who waits may be relied on. */
const KNOWN_FOR_MS = 1_000
/**
 * So long, in milliseconds, it tries to find out who is next. What has had no answer by then is not
 * waited for: it would end with the connection, over which the release has to go.
 */
const FOUND_WITHIN_MS = 1_000
/** So many of several candidates are looked at, from the latest on. */
const MOST_LOOKED_AT = 3

/**
 * Waits for the leader's work to end, but no longer than its session is valid; and finds out who is
 * next.
 */
export function drain(means: Means, task: Task): Going | undefined {
  const { clock, store } = means
  const { participant, input, send } = task
  const { work, session } = participant
  const { candidates } = store
  const begunAt = clock.now()
  let timer: unknown = null
  const stopTimer = () => {
    if (timer !== null) clock.clearTimeout(timer)
    timer = null
  }
  const next = (successor: Successor | null) => {
    stopTimer()
    send({ type: 'drained', successor })
  }
  const drained = () => {
    stopTimer()
    if (candidates === undefined || input.holder?.instance !== input.instance) {
      next(null)
      return
    }
    // One that was not installed has left, or has changed: then it is known no longer who waits.
    const isKnown = input.successor === null && clock.now() - begunAt < KNOWN_FOR_MS
    const known = isKnown ? participant.queue : null
    timer = clock.setTimeout(() => next(null), FOUND_WITHIN_MS)
    void successorOf(candidates, task, known).then(next, () => next(null))
  }
  if (work === null) drained()
  else {
    timer = clock.setTimeout(drained, session?.validityMs ?? 0)
    void work.then(drained)
  }
  return { close: stopTimer }
}

/** Who is next, by what the leader has been told, or by asking; `null` if nobody waits. */
async function successorOf(
  candidates: Candidates,
  { participant: { path, ttl, session }, input: { instance, to } }: Task,
  queue: Queue | null,
): Promise<Successor | null> {
  const timeoutMs = Math.min(timeoutMsFor(ttl), session?.validityMs ?? 0)
  const among = (all: readonly Candidate[]) => all.filter((one) => one.instance !== instance)
  const known = among(queue?.waiting ?? [])
  const knownUpTo = queue?.knownUpTo ?? 0
  // That nobody waits is not relied on: somebody may just have come.
  const isKnown = known.length > 0
  const others = isKnown ? known : among((await candidates.list(path, { timeoutMs })).waiting)
  const named = to === null ? [] : others.filter(({ text }) => decodeRecord(text)?.id === to)
  if (named.length > 0) return await latestOf(named, candidates, { timeoutMs })
  const latest = await latestOf(others, candidates, { timeoutMs })
  return isKnown && latest !== null ? { ...latest, knownUpTo } : latest
}

/**
 * Whoever entered last stays, in a rolling update: it is next, unless it has missed a renewal and
 * another has not.
 */
async function latestOf(
  waiting: readonly Candidate[],
  candidates: Candidates,
  call: Call,
): Promise<Candidate | null> {
  const [latest = null, ...others] = waiting.toReversed().slice(0, MOST_LOOKED_AT)
  if (latest === null || others.length === 0) return latest
  for (const candidate of [latest, ...others]) {
    if (!(await candidates.isOverdue(candidate.lease, call).catch(() => false))) return candidate
  }
  return latest
}
