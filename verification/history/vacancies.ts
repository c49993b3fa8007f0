import type { HistoryEntry } from './history.js'
import type { Leadership, ProcessLives } from './leadership.js'
import type { Vacancy } from './report.js'

interface Moment {
  readonly at: number
  readonly node: string
  readonly role: 'leader' | 'competitor'
  readonly begins: boolean
}

/** The times without leader on one path. A path that no node competes for is not missing one. */
export function findVacancies(
  path: string,
  entries: readonly HistoryEntry[],
  leaderships: readonly Leadership[],
  lives: ProcessLives,
  endMs: number,
): Vacancy[] {
  const moments = [...leadershipMoments(leaderships), ...competitionMoments(entries, lives)]
    .filter(({ at }) => at <= endMs)
    .sort((a, b) => a.at - b.at)
  const present = { leader: new Set<string>(), competitor: new Set<string>() }
  const vacancies: Vacancy[] = []
  let vacantSince: number | null = null

  const close = (until: number, next: string | null): void => {
    if (vacantSince !== null && until > vacantSince) {
      const since = vacantSince
      vacancies.push({ path, since, until, lengthMs: until - since, next })
    }
    vacantSince = null
  }

  for (const { at, node, role, begins } of moments) {
    if (begins) present[role].add(node)
    else present[role].delete(node)
    if (present.leader.size > 0) close(at, node)
    else if (present.competitor.size === 0) close(at, null)
    else vacantSince ??= at
  }
  close(endMs, null)
  return vacancies
}

function leadershipMoments(leaderships: readonly Leadership[]): Moment[] {
  return leaderships.flatMap(({ node, since, until }) => [
    { at: since, node, role: 'leader', begins: true },
    { at: until, node, role: 'leader', begins: false },
  ])
}

function competitionMoments(entries: readonly HistoryEntry[], lives: ProcessLives): Moment[] {
  const processes = new Map<string, string>()
  const moments: Moment[] = []
  for (const { kind, at, node, process } of entries) {
    if (kind !== 'start' && kind !== 'select' && kind !== 'stop') continue
    processes.set(node, process)
    moments.push({ at, node, role: 'competitor', begins: kind !== 'stop' })
  }
  for (const [node, process] of processes) {
    moments.push({ at: lives.exitOf(process), node, role: 'competitor', begins: false })
  }
  return moments
}
