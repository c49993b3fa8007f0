import type { ElectionEvent } from '../../machines/election.js'
import type { Going, Means, Task } from './service.js'
import { successorFrom } from './successor.js'

/** So long after a leader has stopped, in milliseconds, what it knew of who waits may be relied on. */
const KNOWN_FOR_MS = 1_000

/** Waits for the leader's work to end, but no longer than its session is valid; and says who was known to wait. */
export function drain(
  { clock, store }: Means,
  { participant, input, send }: Task,
): Going | undefined {
  const { work, session, queue } = participant
  const begunAt = clock.now()
  const drained = (): ElectionEvent => {
    if (store.candidates === undefined) return { type: 'drained', waiting: [] }
    // One that was not installed has left, or has changed: then it is known no longer who waits.
    const isKnown = input.successor === null && clock.now() - begunAt < KNOWN_FOR_MS
    const waiting = (isKnown && queue?.waiting) || null
    if (queue === null || waiting === null) return { type: 'drained', waiting: null }
    return { type: 'drained', waiting: waiting.map(successorFrom), knownUpTo: queue.knownUpTo }
  }
  if (work === null) {
    send(drained())
    return undefined
  }
  let isOver = false
  const close = () => {
    isOver = true
    clock.clearTimeout(timer)
  }
  const end = () => {
    if (isOver) return
    close()
    send(drained())
  }
  const timer = clock.setTimeout(end, session?.validityMs ?? 0)
  void work.then(end)
  return { close }
}
