import type { RenewsRow, RevokesTotal } from './deposed-series.js'

/** What came of the tries, a line for each combination. */
export function formatRenews(rows: readonly RenewsRow[]): string {
  return formatTable([
    [
      'frozen for',
      'leader renews by',
      'tries',
      'renewed by the deposed',
      'two leaders',
      'longest',
      'two leaders after a lease was revoked',
      'longest',
    ],
    ...rows.map((row) => [
      `${row.freeze} ttl`,
      row.connection === 'raft leader' ? 'the raft leader' : 'one that forwards',
      `${row.tries}`,
      `${row.answered}`,
      `${row.overlapsMs.length}`,
      longest(row.overlapsMs),
      `${row.revokedOverlapsMs.length}`,
      longest(row.revokedOverlapsMs),
    ]),
  ])
}

export function formatRevokes(total: RevokesTotal): string {
  return formatTable([
    [
      'tries',
      'lease revoked',
      'heard vacated',
      'longest until heard',
      'two leaders',
      'two leaders while one is cut off',
      'longest',
    ],
    [
      `${total.tries}`,
      `${total.revoked}`,
      `${total.ends.filter(({ reason }) => reason === 'vacated').length}`,
      longest(total.ends.map(({ afterMs }) => afterMs)),
      `${total.overlapsMs.length}`,
      `${total.cutOffOverlapsMs.length}`,
      longest(total.cutOffOverlapsMs),
    ],
  ])
}

function longest(lengthsMs: readonly number[]): string {
  return lengthsMs.length === 0 ? '-' : `${(Math.max(...lengthsMs) / 1_000).toFixed(2)} s`
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n')
}
