import type { Means, Task } from './service.js'

/** Waits for the answer to the claim on its way, if there is one. */
export function withdraw(_: Means, { participant, send }: Task): undefined {
  if (participant.claiming === null) send({ type: 'withdrawn' })
  else void participant.claiming.then(send)
}
