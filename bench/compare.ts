import type { ContenderName } from './contenders/contender.js'
import type { Program } from './contenders/programs.js'
import { type Figures, type Goal, Place, type Row } from './row.js'
import { type Summary, summarise } from './statistics.js'

/** A goal, and what came of it. */
export interface Verdict extends Goal {
  /** The figure, or how many times the other one it is. */
  readonly measured: number
  readonly met: boolean
}

export interface RowResult {
  readonly name: string
  readonly title: string
  readonly figures: readonly {
    readonly figure: string
    readonly of: Readonly<Partial<Record<ContenderName, Summary>>>
  }[]
  readonly verdicts: readonly Verdict[]
}

export interface CompareOptions {
  readonly endpoint: string
  readonly contenders: ReadonlyMap<ContenderName, Program>
  /** Multiplies the numbers of paths. */
  readonly size: number
  /** Instead of each row’s own. */
  readonly rounds?: number
  readonly log: (line: string) => void
}

/** Measures one row: the contenders take turns, so that what disturbs the machine disturbs all. */
export async function compare(row: Row, options: CompareOptions): Promise<RowResult> {
  const { endpoint, size, log } = options
  const rounds = options.rounds ?? row.rounds
  const contenders = [...options.contenders].filter(
    ([name]) => row.contenders?.includes(name) ?? true,
  )
  const samples = new Map<ContenderName, Figures[]>(contenders.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const turn of contenders.keys()) {
      const contender = contenders[(turn + round) % contenders.length]
      if (contender === undefined) continue
      const [name] = contender
      log(`${row.name}: round ${round + 1} of ${rounds}, ${name}`)
      try {
        samples.get(name)?.push(await row.sample(new Place(contender, endpoint, size)))
      } catch (error) {
        // etcd3's campaigns lose their leases where there are too many of them: that is its own loss.
        if (name === 'locked') throw error
        log(`${row.name}: ${name} could not be measured: ${error}`)
      }
    }
  }
  const names = [...new Set([...samples.values()].flat().flatMap((sample) => Object.keys(sample)))]
  const figures = names.map((figure) => ({
    figure,
    of: Object.fromEntries(
      [...samples]
        .map(([name, taken]) => [name, taken.flatMap((sample) => sample[figure] ?? [])] as const)
        .filter(([, values]) => values.length > 0)
        .map(([name, values]) => [name, summarise(values)]),
    ),
  }))
  const medianOf = (name: ContenderName, figure: string) =>
    figures.find((one) => one.figure === figure)?.of[name]?.median ?? Number.NaN
  const verdicts = row.goals.flatMap((goal) => {
    const { figure, times, atMost } = goal
    const ours = medianOf('locked', figure)
    const other =
      times === undefined
        ? 1
        : typeof times === 'string'
          ? medianOf(times, figure)
          : medianOf('locked', times.figure)
    const measured = ours / other
    // A contender that could not be measured here sets no goal.
    return Number.isNaN(measured) ? [] : [{ ...goal, measured, met: measured <= atMost }]
  })
  return { name: row.name, title: row.title, figures, verdicts }
}
