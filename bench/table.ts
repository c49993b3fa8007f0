import type { RowResult, Verdict } from './compare.js'
import { CONTENDERS } from './contenders/contender.js'
import type { Summary } from './statistics.js'

/** The results as a table in Markdown: medians, and from the first to the third quartile. */
export function tableOf(results: readonly RowResult[]): string {
  const columns = CONTENDERS.filter((name) =>
    results.some(({ figures }) => figures.some(({ of }) => of[name] !== undefined)),
  )
  const head = ['work', 'figure', ...columns, 'goal', 'measured']
  const lines = results.flatMap(({ title, figures, verdicts }) =>
    figures.map(({ figure, of }, index) => {
      const asked = verdicts.filter((one) => one.figure === figure)
      return [
        index === 0 ? title : '',
        figure,
        ...columns.map((name) => (of[name] === undefined ? '' : cell(of[name]))),
        asked.map(goalOf).join(', '),
        asked
          .map(({ measured, met }) => `${rounded(measured)}${met ? '' : ' (not met)'}`)
          .join(', '),
      ]
    }),
  )
  const rows = [head, head.map(() => '---'), ...lines]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cell({ median, low, high }: Summary): string {
  return low === high ? rounded(median) : `${rounded(median)} (${rounded(low)} to ${rounded(high)})`
}

function goalOf({ atMost, times }: Verdict): string {
  const parts = 1 / atMost
  const number = atMost < 1 && Number.isInteger(parts) ? `1/${parts}` : `${atMost}`
  if (times === undefined) return `at most ${number}`
  return `at most ${number} × ${typeof times === 'string' ? times : times.figure}`
}

function rounded(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)))
}
