import { vi } from 'vitest'

/** How long is waited for what is to come: only what hangs takes so long, on whatever machine. */
export const PATIENCE_MS = 120_000

/** Resolves with what `look` returns, once it does not throw. */
export function patiently<Result>(look: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(look, { timeout: PATIENCE_MS, interval: 20 })
}
