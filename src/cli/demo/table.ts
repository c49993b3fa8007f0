import { shown } from '../../shown.js'
import { oneLine } from '../messages.js'
import type { DemoView } from './demo.js'
import type { NodeView } from './demo-node.js'
import { formatValue } from './event.js'

export type Format = 'bold' | 'dim' | 'green' | 'cyan' | 'red'
/** Gives text a look; returns it as it is where there are no colours. */
export type Paint = (format: Format, text: string) => string

const HEADINGS = ['', 'node', 'state', 'leader', 'holder', 'value', 'token', 'valid', 'store']
/** What is often shown does not make the columns jump when it comes or goes. */
const USUAL_WIDTHS = [3, 6, 11, 6, 6, 15, 5, 6, 6]
const VALUE_COLUMN = HEADINGS.indexOf('value')
const NARROWEST_VALUE = 8
const GAP = '  '
const NOTHING = '-'

/** The demo as lines of text: a title, and a table with one row for each node. */
export function renderTable(
  { path, ttl, where, elapsedMs, nodes }: DemoView,
  chosen: number,
  columns: number,
  paint: Paint,
): string[] {
  const rows = nodes.map((node, index) => cellsOf(node, index, index === chosen))
  const natural = HEADINGS.map((heading, column) =>
    Math.max(
      USUAL_WIDTHS[column] ?? 0,
      ...[heading, ...rows.map((row) => row[column] ?? '')].map((cell) => [...cell].length),
    ),
  )
  const total = natural.reduce((sum, width) => sum + width + GAP.length, -GAP.length)
  const widths = natural.map((width, column) =>
    column === VALUE_COLUMN
      ? Math.min(width, Math.max(NARROWEST_VALUE, width - (total - columns)))
      : width,
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join(GAP)
      .trimEnd()
  const what = shown(oneLine(`${path} on ${where}`))
  const title = `${what}, ttl ${ttl} s, running for ${(elapsedMs / 1_000).toFixed(1)} s`
  return [
    paint('bold', pad(title, columns).trimEnd()),
    '',
    paint('dim', line(HEADINGS)),
    ...nodes.map((node, index) => paintRow(node, line(rows[index] ?? []), paint)),
  ]
}

function cellsOf(node: NodeView, index: number, isChosen: boolean): string[] {
  const { id, state, isLeader, holder, validityMs, connection } = node
  return [
    `${isChosen ? '>' : ' '} ${index + 1}`,
    id,
    state,
    isLeader ? '★' : '',
    holder === null ? NOTHING : holder.id === null ? '(no record)' : formatValue(holder.id),
    holder === null ? NOTHING : formatValue(holder.value),
    holder === null ? NOTHING : `${holder.token}`,
    validityMs > 0 ? `${(validityMs / 1_000).toFixed(1)} s` : NOTHING,
    connection,
  ]
}

function paintRow({ isLeader, connection }: NodeView, line: string, paint: Paint): string {
  if (connection === 'cut') return paint('dim', line)
  const painted = isLeader ? paint('green', line) : line
  return connection === 'frozen' ? paint('cyan', line) : painted
}

/** `text` in exactly `width` characters. */
export function pad(text: string, width: number): string {
  const characters = [...text]
  if (characters.length > width) return [...characters.slice(0, width - 1), '…'].join('')
  return text + ' '.repeat(width - characters.length)
}
