import type { Json } from '../../machines/election.js'
import { holderFrom } from '../record.js'
import { timeoutMsFor } from '../sessions/session-pool.js'
import type { Competitors, Store } from '../stores/store.js'
import type { Uses } from './uses.js'

/** Who competes for a path. */
export interface Competitor {
  /** `null` for what holds the path and is not a record. */
  readonly id: string | null
  readonly value: Json
  /** The store’s revision at which it was installed, or entered as candidate. */
  readonly since: bigint
  readonly isHolder: boolean
}

/** Asks the store who competes for `path`: the holder, and those who wait, in the order in which they came. */
export async function competitorsFor(
  store: Store,
  uses: Uses,
  path: string,
  ttl: number,
): Promise<readonly Competitor[]> {
  const call = { timeoutMs: timeoutMsFor(ttl) }
  uses.begin()
  try {
    const standing = await (store.candidates?.list(path, call) ??
      store.read(path, call).then((sighting) => ({ ...sighting, waiting: [], asked: null })))
    return competitorsOf(standing)
  } finally {
    uses.end()
  }
}

/** The holder first, and then those who wait, in the order in which they came. */
export function competitorsOf({ entry, waiting }: Competitors): readonly Competitor[] {
  const holder = entry && holderFrom(entry)
  const others = waiting
    // What the holder has not taken away yet is no second candidacy.
    .filter(({ instance }) => instance !== holder?.instance)
    .map(({ text, since, revision, lease }) => {
      const { id, value } = holderFrom({ text, token: since, revision, lease })
      return { id, value, since: BigInt(since), isHolder: false }
    })
  if (holder === null) return others
  const { id, value, token } = holder
  return [{ id, value, since: BigInt(token), isHolder: true }, ...others]
}
