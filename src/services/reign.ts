import type { Holder } from '../../machines/election.js'
import type { Reign } from '../stores/store.js'

/** The reign of a holder, for what is written in it; `null` when it stands under no lease. */
export function reignOf({ token, session, created }: Holder): Reign | null {
  if (session === null) return null
  return created === undefined ? { token, lease: session } : { token, lease: session, created }
}
