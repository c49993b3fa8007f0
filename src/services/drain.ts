import type { Going, Means, Task } from './service.js'

/** Waits for the leader's work to end, but no longer than its session is valid. */
export function drain({ clock }: Means, { participant, send }: Task): Going | undefined {
  const { work, session } = participant
  const drained = () => {
    clock.clearTimeout(timer)
    send({ type: 'drained' })
  }
  if (work === null) {
    send({ type: 'drained' })
    return undefined
  }
  const timer = clock.setTimeout(drained, session?.validityMs ?? 0)
  void work.then(drained)
  return { close: () => clock.clearTimeout(timer) }
}
