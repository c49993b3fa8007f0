import type { Successor } from '../../machines/election.js'
import { decodeRecord } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Candidate, Candidates } from '../stores/store.js'
import { Choosing } from './choosing.js'
import type { Queue } from './queue.js'
import type { Going, Means, Task } from './service.js'

/** So long after a leader has stopped, in milliseconds, what it knew of who waits may be relied on. */
const KNOWN_FOR_MS = 1_000
/** So long, at least, it tries to find out who waits, in milliseconds. */
const SHORTEST_ASKING_MS = 1_000
/** So long, in milliseconds, it looks for one that has missed no renewal. */
const CHOSEN_WITHIN_MS = 1_000

/**
 * Waits for the leader's work to end, but no longer than its session is valid; and finds out who is
 * next. Whoever is known to wait when time is up is next: the path is vacated only where nobody is.
 */
export function drain(means: Means, task: Task): Going | undefined {
  const { clock, store } = means
  const { participant, input, send } = task
  const { work, session, ttl } = participant
  const { candidates } = store
  const begunAt = clock.now()
  let isOver = false
  let timer: unknown = null
  const end = () => {
    isOver = true
    if (timer !== null) clock.clearTimeout(timer)
  }
  const within = (ms: number, then: () => void) => {
    if (isOver) return
    if (timer !== null) clock.clearTimeout(timer)
    timer = clock.setTimeout(then, ms)
  }
  const next = (successor: Successor | null) => {
    end()
    send({ type: 'drained', successor })
  }
  let isDrained = false
  const drained = () => {
    if (isOver || isDrained) return
    isDrained = true
    if (candidates === undefined || input.holder?.instance !== input.instance) {
      next(null)
      return
    }
    // One that was not installed has left, or has changed: then it is known no longer who waits.
    const isKnown = input.successor === null && clock.now() - begunAt < KNOWN_FOR_MS
    const known = isKnown ? participant.queue : null
    within(askingMsFor(ttl), () => next(null))
    const choose = (choosing: Choosing) => {
      within(CHOSEN_WITHIN_MS, () => next(choosing.choice))
    }
    void successorOf(candidates, task, known, choose).then(next, () => next(null))
  }
  if (work === null) drained()
  else {
    within(session?.validityMs ?? 0, drained)
    void work.then(drained)
  }
  return { close: end }
}

/**
 * How long it may take to find out who waits, in milliseconds. What has had no answer by then is not
 * waited for: it would end with the connection, over which the release has to go, and be answered.
 */
function askingMsFor(ttl: number): number {
  return Math.max(timeoutMsFor(ttl) / 2, SHORTEST_ASKING_MS)
}

/**
 * Who is next, by what the leader has been told, or by asking; `null` if nobody waits. `choose` is
 * called once it is known who waits.
 */
async function successorOf(
  candidates: Candidates,
  { participant: { path, ttl, session }, input: { instance, to } }: Task,
  queue: Queue | null,
  choose: (choosing: Choosing) => void,
): Promise<Successor | null> {
  const call = { timeoutMs: Math.min(timeoutMsFor(ttl), session?.validityMs ?? 0) }
  const among = (all: readonly Candidate[]) => all.filter((one) => one.instance !== instance)
  const namedAmong = (all: readonly Candidate[]) =>
    to === null ? [] : all.filter(({ text }) => decodeRecord(text)?.id === to)
  const known = among(queue?.waiting ?? [])
  // That nobody waits is not relied on, nor that nobody of that name does: somebody may just have come.
  const isKnown = known.length > 0 && (to === null || namedAmong(known).length > 0)
  const others = isKnown ? known : among((await candidates.list(path, call)).waiting)
  const named = namedAmong(others)
  const isNamed = named.length > 0
  const choosing = new Choosing(isNamed ? named : others, {
    ...(isKnown && !isNamed && { knownUpTo: queue?.knownUpTo ?? 0 }),
  })
  choose(choosing)
  await choosing.ask((lease) => candidates.isOverdue(lease, call))
  return choosing.choice
}
