import { askingCall } from './asking.js'
import type { Means, Task } from './service.js'

/** Asks about the leases of some who wait, all at once, whether they have missed a renewal. */
export function checkRenewals(
  { store: { candidates } }: Means,
  { participant, input: { batch }, send }: Task,
): undefined {
  if (candidates === undefined) throw new Error('checkRenewals: the store knows no candidates')
  const call = askingCall(participant)
  const request = async (lease: string) => candidates.isOverdue(lease, call)
  for (const { instance, lease } of batch) {
    request(lease).then(
      (isOverdue) => send({ type: 'checked', instance, isOverdue }),
      () => send({ type: 'checked', instance, isOverdue: null }),
    )
  }
}
