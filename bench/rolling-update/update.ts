import { Competitor, type Turn } from './competitor.js'
import type { Contender } from './contender.js'
import { Vacancies } from './vacancies.js'

export interface Outcome {
  /** How many processes have led, from beginning to end. */
  readonly leaders: number
  /** How often nobody held the election, as a watch on etcd has seen it. */
  readonly vacancies: number
  /** How often one began its work before another had ended its own. */
  readonly overlaps: number
  /** The longest time from the end of one leader's work to the begin of the next one's, in milliseconds. */
  readonly longestGapMs: number
}

/**
 * Replaces the processes of an election one after the other, in this order: the new one starts, and once it
 * waits the old one gets SIGTERM.
 */
export async function rollingUpdate(
  contender: Contender,
  endpoint: string,
  name: string,
  order: readonly number[],
): Promise<Outcome> {
  await using vacancies = await Vacancies.of(contender, endpoint, name)
  const competitors: Competitor[] = []
  const start = async (id: string) => {
    const competitor = new Competitor(contender, endpoint, name, id)
    competitors.push(competitor)
    await competitor.joined()
    return competitor
  }
  try {
    const old: Competitor[] = []
    for (const index of order.keys()) old.push(await start(`old-${index}`))
    await untilOneLeads(old)
    for (const index of order) {
      await start(`new-${index}`)
      await old[index]?.leave()
    }
    const others = competitors.slice(old.length)
    await untilOneLeads(others)
    const turns = competitors.map((competitor) => [...competitor.turns])
    const outcome = {
      leaders: turns.filter(({ length }) => length > 0).length,
      vacancies: await vacancies.count(),
      ...gapsBetween(turns.flat()),
    }
    for (const competitor of others) await competitor.leave()
    return outcome
  } finally {
    for (const competitor of competitors) competitor[Symbol.dispose]()
  }
}

async function untilOneLeads(competitors: readonly Competitor[]): Promise<void> {
  const oneLeads = () => competitors.some(({ isLeader }) => isLeader)
  await Promise.any(competitors.map((competitor) => competitor.until(oneLeads, 'leader')))
}

function gapsBetween(turns: readonly Turn[]): Pick<Outcome, 'overlaps' | 'longestGapMs'> {
  const inOrder = [...turns].sort((one, other) => one.fromMs - other.fromMs)
  const gaps = inOrder.slice(1).map(({ fromMs }, index) => {
    return fromMs - Math.max(...inOrder.slice(0, index + 1).map(({ toMs }) => toMs))
  })
  return {
    overlaps: gaps.filter((gapMs) => gapMs < 0).length,
    longestGapMs: Math.max(0, ...gaps),
  }
}
