import { type Moment, moments } from './moments.js'
import { type Topology, topologies } from './topologies.js'

interface Row {
  readonly topology: Topology
  readonly moment: Moment
}

/**
 * In which topologies and at which moments the nth of several things is tried: in one each, another
 * for each of the things, since a try takes half a minute. With LOCKED_TEST_HISTORY=moments at each
 * moment once, and with LOCKED_TEST_HISTORY=all in each topology at each moment.
 */
export function someOf(nth: number): readonly Row[] {
  const all = topologies.flatMap((topology) => moments.map((moment) => ({ topology, moment })))
  const tried = process.env.LOCKED_TEST_HISTORY
  if (tried === 'all') return all
  const atEach = moments.flatMap((moment, index) => {
    const topology = topologies[(nth + index) % topologies.length]
    return topology === undefined ? [] : [{ topology, moment }]
  })
  return tried === 'moments' ? atEach : atEach.slice(nth % moments.length).slice(0, 1)
}
