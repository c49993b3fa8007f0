import type { HistoryEntry } from './history.js'
import { type Fault, formatMs } from './report.js'

/** A time in which a node led. `until` is Infinity where the history ends before it does. */
export interface Leadership {
  readonly node: string
  readonly since: number
  readonly until: number
}

interface Stall {
  readonly since: number
  /** Infinity where the process did not come round any more. */
  until: number
}

/** When the processes of a run stood still, and when they died. */
export class ProcessLives {
  readonly #exits = new Map<string, number>()
  readonly #stalls = new Map<string, Stall[]>()

  constructor(entries: readonly HistoryEntry[]) {
    for (const entry of entries) {
      if (entry.kind === 'exit' && !this.#exits.has(entry.process)) {
        this.#exits.set(entry.process, entry.at)
      } else if (entry.kind === 'stall') {
        const stalls = this.#stalls.get(entry.process) ?? []
        stalls.push({ since: entry.since, until: Number.POSITIVE_INFINITY })
        this.#stalls.set(entry.process, stalls)
      } else if (entry.kind === 'awake') {
        const stalls = this.#stalls.get(entry.process) ?? []
        for (const stall of stalls) if (stall.since === entry.since) stall.until = entry.at
      }
    }
  }

  /** Infinity where it did not. */
  exitOf(process: string): number {
    return this.#exits.get(process) ?? Number.POSITIVE_INFINITY
  }

  /**
   * Since when the process had stood still at `at`; null if it was running, and its event loop had
   * gone round since. Only stalls that began in the leadership count: one before it excuses nothing.
   */
  stalledSince(process: string, ledSince: number, at: number): number | null {
    const stalls = (this.#stalls.get(process) ?? []).filter(
      ({ since, until }) => ledSince <= since && since <= at && at <= until,
    )
    return stalls.length === 0 ? null : Math.min(...stalls.map(({ since }) => since))
  }
}

/** The leaderships on one path by its events, with the events that do not fit together. */
export function readLeaderships(
  entries: readonly HistoryEntry[],
  lives: ProcessLives,
  endMs: number,
): { readonly leaderships: readonly Leadership[]; readonly faults: readonly Fault[] } {
  const leaderships: Leadership[] = []
  const faults: Fault[] = []
  const open = new Map<string, { readonly process: string; readonly since: number }>()

  const close = (node: string, deselectedAt: number): void => {
    const opened = open.get(node)
    if (opened === undefined) return
    open.delete(node)
    const { process, since } = opened
    const saidAt = Math.min(deselectedAt, lives.exitOf(process))
    // A process that stands still can tell nobody, so its leadership ended when it last ran. That
    // `isLeader` was not true on waking is for the samples to show.
    const until = lives.stalledSince(process, since, Math.min(saidAt, endMs)) ?? saidAt
    leaderships.push({ node, since, until: Math.max(since, until) })
  }

  for (const { kind, node, at, path, process } of entries) {
    const opened = open.get(node)
    if (kind === 'select' && opened === undefined) {
      open.set(node, { process, since: at })
    } else if (kind === 'select' && opened !== undefined) {
      const { since } = opened
      const message = `${node} was selected on ${path} while it had been for ${formatMs(at - since)}`
      faults.push({ kind: 'selected-twice', path, node, at, since, message })
    } else if (kind === 'deselect' && opened === undefined) {
      const message = `${node} was deselected on ${path} while it was not selected`
      faults.push({ kind: 'deselect-without-select', path, node, at, message })
    } else if (kind === 'deselect') {
      close(node, at)
    }
  }
  for (const node of [...open.keys()]) close(node, Number.POSITIVE_INFINITY)
  return { leaderships, faults }
}

/** The times in which a path was sampled to be led. */
export function readSamples(entries: readonly HistoryEntry[]): Leadership[] {
  return entries.flatMap((entry) =>
    entry.kind === 'sample' && entry.isLeader
      ? [{ node: entry.node, since: entry.since, until: entry.at }]
      : [],
  )
}

/** Every pair of leaderships of different nodes that share more than an end. */
export function findOverlaps(
  leaderships: readonly Leadership[],
): { readonly earlier: Leadership; readonly later: Leadership }[] {
  const inOrder = [...leaderships].sort((a, b) => a.since - b.since)
  const overlaps: { earlier: Leadership; later: Leadership }[] = []
  let lasting: Leadership[] = []
  for (const later of inOrder) {
    lasting = lasting.filter((earlier) => earlier.until > later.since)
    for (const earlier of lasting) {
      if (earlier.node !== later.node && earlier.since < later.until) {
        overlaps.push({ earlier, later })
      }
    }
    lasting.push(later)
  }
  return overlaps
}
