import type { Json } from '../../machines/election.js'
import { holderFrom } from '../record.js'
import type { Sighting } from '../stores/store.js'

/** Who holds a path, as the commands print it. */
export interface ShownHolder {
  /** `null` when what stands at the path is not a record. */
  readonly id: string | null
  readonly value: Json
  readonly token: number
}

export function shownHolder({ entry }: Sighting): ShownHolder | null {
  if (entry === null) return null
  const { id, value, token } = holderFrom(entry)
  return { id, value, token }
}
