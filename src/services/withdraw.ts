import type { Going, Means, Task } from './service.js'

/** Waits for the answer to the claim on its way, if there is one. */
export function withdraw(_: Means, { participant, send }: Task): Going | undefined {
  const { claiming } = participant
  if (claiming === null) {
    send({ type: 'withdrawn' })
    return undefined
  }
  let isStopped = false
  void claiming.then((event) => {
    if (isStopped) return
    participant.claiming = null
    send(event)
  })
  return {
    close() {
      isStopped = true
    },
  }
}
