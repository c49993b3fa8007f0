/** What the checker found in a history: plain data, which JSON can carry (tokens are strings). */

/** Two nodes led one path at once. All times are of the history's clock, in milliseconds. */
interface TwoLeaders {
  readonly path: string
  /** The one that led first, then the one that joined it; if at once, in either order. */
  readonly nodes: readonly [string, string]
  readonly at: number
  readonly until: number
  readonly lengthMs: number
}

interface AtNode {
  readonly path: string
  readonly node: string
  readonly at: number
}

type FaultDetail =
  /** Between `select` and `deselect` of one node, another was selected as well. */
  | (TwoLeaders & { readonly kind: 'two-selected' })
  /** `isLeader` was sampled as true in both. */
  | (TwoLeaders & { readonly kind: 'two-sampled' })
  /** An election got a token that is not above all tokens of elections before it. */
  | (AtNode & {
      readonly kind: 'token-not-grown'
      readonly token: string
      readonly highest: { readonly token: string; readonly node: string; readonly at: number }
    })
  /** A change names another token than the reign has that it is of. */
  | (AtNode & {
      readonly kind: 'token-differs'
      readonly token: string
      readonly reign: string
    })
  /** Nobody had started with or proposed what the `change` reports, and no operator wrote it. */
  | (AtNode & {
      readonly kind: 'unwritten-change'
      readonly value: unknown
      readonly nodeid: string | null
    })
  /** A node reported a change older than one that it had reported before. */
  | (AtNode & {
      readonly kind: 'revision-went-back'
      readonly revision: string
      readonly highest: string
    })
  | (AtNode & { readonly kind: 'selected-twice'; readonly since: number })
  | (AtNode & { readonly kind: 'deselect-without-select' })
  /** A process that was recorded as dead went on: what follows from its death is not to be trusted. */
  | (AtNode & {
      readonly kind: 'outlived-exit'
      readonly process: string
      readonly exitedAt: number
    })

/** Something that a right history never shows. */
export type Fault = FaultDetail & { readonly message: string }

/** A time in which nobody led the path though some node competed for it. */
export interface Vacancy {
  readonly path: string
  readonly since: number
  readonly until: number
  readonly lengthMs: number
  /** The node whose election ended it; null if the history ended, or no node was left to compete. */
  readonly next: string | null
}

/** What a history shows. */
export interface Report {
  /** In order of time. */
  readonly faults: readonly Fault[]
  readonly elections: number
  /** In order of time. */
  readonly vacancies: readonly Vacancy[]
  readonly longestVacancy: Vacancy | null
  readonly paths: readonly string[]
  readonly nodes: number
  readonly entries: number
  /** From the first entry to the last. */
  readonly lengthMs: number
  /** When the first entry was written: what `formatReport` counts from. */
  readonly since: number
}

/** The report as a short text; its times are counted from the first entry. */
export function formatReport(report: Report): string {
  const when = (at: number): string => `at ${formatMs(at - report.since)}`
  const faults = report.faults.map(
    (fault) => `  ${when(fault.at)}: ${fault.kind}: ${fault.message}`,
  )
  const longest = report.longestVacancy
  return [
    `${count(report.elections, 'election')} among ${count(report.nodes, 'node')} on ` +
      `${count(report.paths.length, 'path')} in ${formatMs(report.lengthMs)} ` +
      `(${count(report.entries, 'history entry', 'history entries')})`,
    longest === null
      ? 'never vacant'
      : `${count(report.vacancies.length, 'vacancy', 'vacancies')}, the longest ` +
        `${formatMs(longest.lengthMs)} ${when(longest.since)} on ${longest.path}, ` +
        (longest.next === null ? 'with no election after it' : `ended by ${longest.next}`),
    faults.length === 0 ? 'no faults' : `${count(faults.length, 'fault')}:`,
    ...faults,
    '',
  ].join('\n')
}

/** Milliseconds to the microsecond, without the noise of floating point. */
export function formatMs(ms: number): string {
  return `${Math.round(ms * 1000) / 1000} ms`
}

function count(many: number, one: string, more = `${one}s`): string {
  return `${many} ${many === 1 ? one : more}`
}
