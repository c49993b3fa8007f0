import type { RowResult, Verdict } from './compare.js'
import { CONTENDERS } from './contenders/contender.js'
import type { Measured } from './results.js'
import type { Summary } from './statistics.js'

const FEW = 3

/** On what a run was made, as a heading. */
export function titleOf({ machine: { node, etcd } }: Measured): string {
  return `Node.js ${node.replace(/^v/, '')}, etcd ${etcd}`
}

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
        asked.map(measuredOf).join(', '),
      ]
    }),
  )
  return markdown(head, lines)
}

/** What came of each goal in each of several runs, as a table in Markdown. */
export function goalsOf(runs: readonly Measured[]): string {
  const heads = runs.map(titleOf)
  const titles = new Map(
    runs.flatMap(({ results }) => results.map(({ name, title }) => [name, title])),
  )
  const lines = [...titles].flatMap(([name, title]) => {
    const verdictsOf = ({ results }: Measured) =>
      results.find((one) => one.name === name)?.verdicts ?? []
    const idOf = (verdict: Verdict) => `${verdict.figure}: ${goalOf(verdict)}`
    const goals = new Map(runs.flatMap(verdictsOf).map((one) => [idOf(one), one]))
    return [...goals].map(([id, goal], index) => [
      index === 0 ? title : '',
      goal.figure,
      goalOf(goal),
      ...runs.map((run) =>
        verdictsOf(run)
          .filter((one) => idOf(one) === id)
          .map(measuredOf)
          .join(),
      ),
    ])
  })
  return markdown(['work', 'figure', 'goal', ...heads], lines)
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [head, head.map(() => '---'), ...lines]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function measuredOf({ measured, met }: Verdict): string {
  return `${rounded(measured)}${met ? '' : ' (not met)'}`
}

/** A median says little of itself where there are few samples: then it says of how many. */
function cell({ median, low, high, samples }: Summary): string {
  const parts = [
    ...(low === high ? [] : [`${rounded(low)} to ${rounded(high)}`]),
    ...(samples < FEW ? [`of ${samples}`] : []),
  ]
  return parts.length === 0 ? rounded(median) : `${rounded(median)} (${parts.join(', ')})`
}

function goalOf({ atMost, times }: Verdict): string {
  const parts = 1 / atMost
  const number = atMost < 1 && Number.isInteger(parts) ? `1/${parts}` : `${atMost}`
  if (times === undefined) return `at most ${number}`
  return `at most ${number} × ${typeof times === 'string' ? times : times.figure}`
}

/** As the tables show it. */
export function rounded(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)))
}
