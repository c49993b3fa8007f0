import type { Going, Means, Task } from './service.js'

/** Waits for the answer to the claim on its way, if there is one. */
export function withdraw(_: Means, { participant, send }: Task): Going | undefined {
  const close = participant.hear(send)
  if (close !== null) return { close }
  send({ type: 'withdrawn' })
  return undefined
}
