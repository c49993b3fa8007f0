import type { Json } from '../../machines/election.js'

/** Who holds a path, as the commands print it. */
export interface ShownHolder {
  /** `null` when what stands at the path is not a record. */
  readonly id: string | null
  readonly value: Json
  readonly token: number
}

/** What is shown of a holder; its token as JSON has it. */
export function shownHolder({
  id,
  value,
  token,
}: Omit<ShownHolder, 'token'> & { readonly token: number | bigint }): ShownHolder {
  return { id, value, token: Number(token) }
}
