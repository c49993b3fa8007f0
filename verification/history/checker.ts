import { canonicalJson } from './canonical-json.js'
import type { HistoryEntry } from './history.js'
import {
  findOverlaps,
  type Leadership,
  ProcessLives,
  readLeaderships,
  readSamples,
} from './leadership.js'
import { type Histories, Replacements, type Shared } from './replacements.js'
import { type Fault, formatMs, type Report } from './report.js'
import { findTokensThatDiffer } from './tokens.js'
import { findVacancies } from './vacancies.js'

/**
 * Checks the history of a whole run against what the election promises: at most one leader on a
 * path, tokens that grow, the same token for everybody, changes that somebody wrote, revisions that never go back. That the store's
 * history was replaced excuses what `Replacements` names, and a `stall` a late `deselect` of its
 * process until its `awake`; samples are taken as they are. Takes the entries of all processes
 * together, in any order; the order of entries with the same time in one process is kept. It can only
 * find what was recorded: no fault is not a proof.
 */
export function checkHistory(entries: readonly HistoryEntry[]): Report {
  const inOrder = [...entries].sort((a, b) => a.at - b.at)
  const lives = new ProcessLives(inOrder)
  const endMs = inOrder.at(-1)?.at ?? 0
  const since = inOrder.reduce((first, entry) => Math.min(first, beginOf(entry)), endMs)
  const replacements = new Replacements(inOrder)
  // These are of processes, or of the store, whatever path their entries name.
  const ofOthers = ['exit', 'stall', 'awake', 'replaced']
  const ofNodes = inOrder.filter(({ kind }) => !ofOthers.includes(kind))

  const paths = groupByPath(ofNodes)
  const perPath = [...paths].map(([path, entriesOfPath]) => {
    const { leaderships, faults } = readLeaderships(entriesOfPath, lives, endMs)
    const isExcused = (shared: Shared) => replacements.excuse(shared, entriesOfPath)
    return {
      faults: [
        ...faults,
        ...findTwoLeaders('two-selected', leaderships, path, endMs, isExcused),
        ...findTwoLeaders('two-sampled', readSamples(entriesOfPath), path, endMs, isExcused),
        ...findTokensNotGrown(entriesOfPath, replacements),
        ...findTokensThatDiffer(entriesOfPath, replacements, foreignIn(entriesOfPath)),
        ...findUnwrittenChanges(entriesOfPath),
        ...findRevisionsGoneBack(entriesOfPath, replacements),
      ],
      vacancies: findVacancies(path, entriesOfPath, leaderships, lives, endMs),
    }
  })
  const vacancies = perPath.flatMap((found) => found.vacancies).sort((a, b) => a.since - b.since)

  return {
    faults: [
      ...perPath.flatMap((found) => found.faults),
      ...findOutlivedExits(ofNodes, lives),
    ].sort((a, b) => a.at - b.at),
    elections: ofNodes.filter(({ kind }) => kind === 'select').length,
    vacancies,
    longestVacancy: [...vacancies].sort((a, b) => b.lengthMs - a.lengthMs)[0] ?? null,
    paths: [...paths.keys()],
    nodes: new Set(ofNodes.filter(({ kind }) => kind !== 'wrote').map(({ node }) => node)).size,
    entries: entries.length,
    lengthMs: endMs - since,
    since,
  }
}

function beginOf(entry: HistoryEntry): number {
  return 'since' in entry ? entry.since : entry.at
}

function groupByPath(entries: readonly HistoryEntry[]): Map<string, HistoryEntry[]> {
  const groups = new Map<string, HistoryEntry[]>()
  for (const entry of entries) {
    const group = groups.get(entry.path)
    if (group === undefined) groups.set(entry.path, [entry])
    else group.push(entry)
  }
  return groups
}

function findTwoLeaders(
  kind: 'two-selected' | 'two-sampled',
  leaderships: readonly Leadership[],
  path: string,
  endMs: number,
  isExcused: (shared: Shared) => boolean,
): Fault[] {
  const how = kind === 'two-selected' ? 'were both selected' : 'both had isLeader true'
  return findOverlaps(leaderships).flatMap(({ earlier, later }) => {
    const nodes = [earlier.node, later.node] as const
    const at = later.since
    const until = Math.min(earlier.until, later.until, endMs)
    if (isExcused({ nodes, at, until })) return []
    const lengthMs = until - at
    const message = `${nodes.join(' and ')} ${how} on ${path} for ${formatMs(lengthMs)}`
    return [{ kind, path, nodes, at, until, lengthMs, message }]
  })
}

function findTokensNotGrown(entries: readonly HistoryEntry[], replacements: Replacements): Fault[] {
  const faults: Fault[] = []
  const histories = replacements.histories()
  let highest: { token: bigint; node: string; at: number } | null = null
  for (const entry of entries) {
    if (entry.kind !== 'select') continue
    const { path, node, at } = entry
    const token = BigInt(entry.token)
    if (histories.hasBegun(at)) highest = null
    if (highest === null || token > highest.token || histories.begin(at)) {
      highest = { token, node, at }
      continue
    }
    faults.push({
      kind: 'token-not-grown',
      path,
      node,
      at,
      token: token.toString(),
      highest: { ...highest, token: highest.token.toString() },
      message: `${node} was elected on ${path} with token ${token}, after ${highest.node} with ${highest.token}`,
    })
  }
  return faults
}

type Written = Pick<Extract<HistoryEntry, { kind: 'change' }>, 'value' | 'nodeid'>

function findUnwrittenChanges(entries: readonly HistoryEntry[]): Fault[] {
  const writtenAt = readWrites(entries)
  return entries.flatMap((entry) => {
    if (entry.kind !== 'change') return []
    const { path, node, at, value, nodeid } = entry
    // By time and not by place in the order: in different processes, the same time is no order.
    if ((writtenAt.get(recordKey(value, nodeid)) ?? Number.POSITIVE_INFINITY) <= at) return []
    const message = `${node} saw ${canonicalJson(value)} by ${nodeid ?? 'no node'} on ${path}, which nobody had written`
    return [{ kind: 'unwritten-change', path, node, at, value, nodeid, message }]
  })
}

/** When each value and id was first there to be written. */
function readWrites(entries: readonly HistoryEntry[]): ReadonlyMap<string, number> {
  const writtenAt = new Map<string, number>()
  const ids = new Map<string, string>()
  for (const entry of entries) {
    if (entry.kind === 'start') ids.set(entry.node, entry.id)
    if (entry.kind !== 'start' && entry.kind !== 'propose' && entry.kind !== 'wrote') continue
    // A node that proposes before it starts writes nothing: its start then carries the value.
    const id = entry.kind === 'propose' ? ids.get(entry.node) : entry.id
    if (id === undefined) continue
    const key = recordKey(entry.value, id)
    if (!writtenAt.has(key)) writtenAt.set(key, entry.at)
  }
  return writtenAt
}

/** Whether what stood there is no record, or one that an operator wrote: such have no token of a reign. */
function foreignIn(entries: readonly HistoryEntry[]): (change: Written) => boolean {
  const byOperator = new Set(
    entries.flatMap((entry) => (entry.kind === 'wrote' ? [recordKey(entry.value, entry.id)] : [])),
  )
  return ({ value, nodeid }) => nodeid === null || byOperator.has(recordKey(value, nodeid))
}

/** The same for values that JSON does not tell apart, whatever the order of their members. */
function recordKey(value: unknown, id: string | null): string {
  return canonicalJson([value, id])
}

function findRevisionsGoneBack(
  entries: readonly HistoryEntry[],
  replacements: Replacements,
): Fault[] {
  const faults: Fault[] = []
  const highestOf = new Map<string, bigint>()
  const historiesOf = new Map<string, Histories>()
  for (const entry of entries) {
    if (entry.kind !== 'change') continue
    const { path, node, at } = entry
    const revision = BigInt(entry.revision)
    const highest = highestOf.get(node) ?? revision
    const histories = historiesOf.get(node) ?? replacements.histories()
    historiesOf.set(node, histories)
    if (revision >= highest || histories.begin(at)) {
      highestOf.set(node, revision)
      continue
    }
    const message = `${node} saw revision ${revision} of ${path} after ${highest}`
    const seen = { revision: revision.toString(), highest: highest.toString() }
    faults.push({ kind: 'revision-went-back', path, node, at, ...seen, message })
  }
  return faults
}

function findOutlivedExits(entries: readonly HistoryEntry[], lives: ProcessLives): Fault[] {
  const reported = new Set<string>()
  return entries.flatMap(({ path, node, process, at, kind }) => {
    const exitedAt = lives.exitOf(process)
    if (at <= exitedAt || reported.has(process)) return []
    reported.add(process)
    const message = `process ${process} was recorded as dead ${formatMs(at - exitedAt)} before ${kind} of ${node}`
    return [{ kind: 'outlived-exit', path, node, process, at, exitedAt, message }]
  })
}
