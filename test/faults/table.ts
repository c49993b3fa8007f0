import { type Moment, moments } from './moments.js'
import { type Topology, topologies } from './topologies.js'

interface Row {
  readonly topology: Topology
  readonly moment: Moment
}

/**
 * In which topologies and at which moments the nth of several things is tried: at each moment once,
 * so that several of them see each topology at each moment. All of them with LOCKED_TEST_HISTORY=all.
 */
export function someOf(nth: number): readonly Row[] {
  const all = topologies.flatMap((topology) => moments.map((moment) => ({ topology, moment })))
  if (process.env.LOCKED_TEST_HISTORY === 'all') return all
  return moments.flatMap((moment, index) => {
    const topology = topologies[(nth + index) % topologies.length]
    return topology === undefined ? [] : [{ topology, moment }]
  })
}
