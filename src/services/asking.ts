import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Call } from '../stores/store.js'
import type { Participant } from './participant.js'

/** How a leader that stops asks who is next: no longer than its session is valid. */
export function askingCall({ ttl, session }: Participant): Call {
  return { timeoutMs: Math.min(timeoutMsFor(ttl), session?.validityMs ?? 0) }
}
