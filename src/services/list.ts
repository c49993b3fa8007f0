import { askingCall } from './asking.js'
import type { Means, Task } from './service.js'
import { successorFrom } from './successor.js'

/** Asks the store who waits. */
export function list(
  { store: { candidates }, failures }: Means,
  { participant, send }: Task,
): undefined {
  if (candidates === undefined) throw new Error('list: the store knows no candidates')
  const request = async () => candidates.list(participant.path, askingCall(participant))
  request().then(
    ({ waiting }) => send({ type: 'listed', waiting: waiting.map(successorFrom) }),
    (thrown: unknown) => send(failures.event(thrown)),
  )
}
