import type { Participant } from './participant.js'
import type { Means } from './service.js'

/** The last of what a node does that leaves the election. */
export async function leaveSession(
  { sessions, uses }: Means,
  participant: Participant,
): Promise<void> {
  if (await participant.leave(sessions)) uses.end()
}
