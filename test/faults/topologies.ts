import type { Competitor } from './competitor.js'
import type { Scene } from './scene.js'

/** Of how many members etcd is, and which of them the competitors reach. */
export interface Topology {
  readonly title: string
  readonly size: 1 | 3
  readonly eachReaches: 'all' | 'one'
}

export const topologies: readonly Topology[] = [
  { title: 'one member', size: 1, eachReaches: 'all' },
  { title: 'three members', size: 3, eachReaches: 'all' },
  { title: 'three members, each node at one of them', size: 3, eachReaches: 'one' },
]

/** Launches a competitor that reaches what it shall. */
export async function launchIn(
  { size, eachReaches }: Topology,
  scene: Scene,
  name: string,
): Promise<Competitor> {
  const index = scene.competitors.length % size
  const competitor = await scene.launch(name)
  if (eachReaches === 'one') await competitor.reachOnly(index)
  return competitor
}
