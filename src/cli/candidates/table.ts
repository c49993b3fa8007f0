import type { Competitor } from '../../services/competitors.js'
import { oneLine, word } from '../messages.js'

const HEADINGS = ['', 'id', 'is', 'since', 'value']
const GAP = '  '

/** A heading, and a line for each who competes; the first column counts them. */
export function tableOf(competitors: readonly Competitor[]): string {
  const rows = [HEADINGS, ...competitors.map(cellsOf)]
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
      .join(GAP)
      .trimEnd()
  return rows.map(line).join('\n')
}

function cellsOf({ id, value, since, isHolder }: Competitor, at: number): readonly string[] {
  return [
    `${at + 1}`,
    id === null ? '-' : word(id),
    isHolder ? 'holder' : 'candidate',
    `${since}`,
    oneLine(JSON.stringify(value)),
  ]
}
