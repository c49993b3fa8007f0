import type { Means, Task } from './service.js'

/** Opens another session for a follower: to be ready, and to notice a frozen connection. */
export function reopen({ sessions, failures }: Means, { participant, send }: Task): undefined {
  participant.open(sessions).then(
    () => send({ type: 'opened' }),
    (thrown: unknown) => send(failures.event(thrown)),
  )
}
