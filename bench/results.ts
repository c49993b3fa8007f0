import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RowResult } from './compare.js'

/** Where the figures are that docs/performance.md shows, one file for each run of all rows. */
export const RESULTS = 'bench/results'

/** On what the rows were measured. */
export interface Machine {
  /** Such as `v20.20.2`. */
  readonly node: string
  readonly processors: number
  /** Such as `3.4.23`. */
  readonly etcd: string
}

/** A run, as it is kept. */
export interface Measured {
  readonly machine: Machine
  readonly results: readonly RowResult[]
}

/** The file of a run of all rows: the next one with these versions replaces it. */
export function fileOf({ node, etcd }: Machine): string {
  const [major] = node.replace(/^v/, '').split('.')
  return join(RESULTS, `node-${major}-etcd-${etcd.split('.').slice(0, 2).join('.')}.json`)
}

/** All that are kept, those with the oldest versions first. */
export function readResults(folder = RESULTS): readonly Measured[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}
