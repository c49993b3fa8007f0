import { describe, expect, test, vi } from 'vitest'
import { type Bounds, checkModel, formatModelReport } from '../../../verification/model/index.js'

// However busy the machine is.
vi.setConfig({ testTimeout: 1_200_000 })

export const NO_OPERATORS = { crashes: false, deletes: false, junk: false } as const

/** What the shipped machine is checked for, and the bounds of the world that it is checked in. */
export interface World {
  readonly name: string
  readonly bounds: Partial<Bounds>
}

/** Checks the shipped machine, for two nodes, in every one of `worlds`. */
export function checkShipped(worlds: readonly World[]): void {
  describe('two nodes, every interleaving', () => {
    for (const { name, bounds } of worlds) {
      test(`one leader at most, and always one in the end, with ${name}`, () => {
        const report = checkModel({ bounds: { nodes: 2, ...bounds } })
        console.info(formatModelReport(report))
        expect(report.counterexample).toBeNull()
        expect(report.complete).toBe(true)
      })
    }
  })
}
