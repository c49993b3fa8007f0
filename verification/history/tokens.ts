import type { HistoryEntry } from './history.js'
import type { Replacements } from './replacements.js'
import type { Fault } from './report.js'

/** A reign as its leader tells of it. */
interface Reign {
  readonly node: string
  readonly id: string
  readonly token: bigint
  readonly at: number
  /** The latest revision that is known to be of it. */
  until: bigint
}

type Change = Extract<HistoryEntry, { kind: 'change' }>

/**
 * Changes that name another token than their reign has, which its `select` tells. Of which reign a
 * change is, is known by its revision: one that lies in what the leader itself has seen of its reign, or
 * after its beginning if the token is an earlier one. What `isForeign` is no record of the election.
 */
export function findTokensThatDiffer(
  entries: readonly HistoryEntry[],
  replacements: Replacements,
  isForeign: (change: Change) => boolean,
): Fault[] {
  const reigns = readReigns(entries)
  return entries.flatMap((entry) => {
    if (entry.kind !== 'change' || entry.token === null || isForeign(entry)) return []
    const token = BigInt(entry.token)
    const revision = BigInt(entry.revision)
    const { path, node, at, nodeid } = entry
    const reign = reigns.findLast((one) => one.token <= revision && !replacements.part(one.at, at))
    if (reign === undefined || token === reign.token) return []
    // A later one may be of a reign whose leader nobody has heard of.
    if (token > reign.token && revision > reign.until) return []
    const told = { token: token.toString(), reign: reign.token.toString() }
    const message = `${node} saw token ${token} of ${nodeid} on ${path} at revision ${revision}, where ${reign.node} reigned with ${reign.token}`
    return [{ kind: 'token-differs', path, node, at, ...told, message }]
  })
}

/** In the order of their tokens. */
function readReigns(entries: readonly HistoryEntry[]): readonly Reign[] {
  const reigns: Reign[] = []
  const open = new Map<string, Reign>()
  for (const entry of entries) {
    const { kind, node, at } = entry
    if (kind === 'select') {
      const token = BigInt(entry.token)
      const reign = { node, id: entry.id, token, at, until: token }
      reigns.push(reign)
      open.set(node, reign)
    } else if (kind === 'deselect') open.delete(node)
    else if (kind === 'change') {
      const reign = open.get(node)
      // While it leads, all that it sees is of its reign.
      if (reign === undefined || reign.id !== entry.nodeid) continue
      const revision = BigInt(entry.revision)
      if (revision > reign.until) reign.until = revision
    }
  }
  return reigns.sort((a, b) => (a.token < b.token ? -1 : Number(a.token > b.token)))
}
