/**
 * A moment that means the same in every process of this machine: on the monotonic clock, which is
 * never set, and on the wall clock, which goes on while the machine is suspended. The earlier of the
 * two counts, as with validity.
 */
export interface Deadline {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** Milliseconds on the clock that all processes of this machine share. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** When what is valid for so long ends. */
export function deadlineOf(valid: { readonly validityMs: number }): Deadline {
  // The clocks are read first: if the process is stopped in between, the deadline is too early
  // rather than too late.
  const monotonicMs = monotonicNow()
  const wallMs = Date.now()
  const { validityMs } = valid
  return { monotonicMs: monotonicMs + validityMs, wallMs: wallMs + validityMs }
}

/** What is left until then, in milliseconds; negative afterwards. */
export function leftMs({ monotonicMs, wallMs }: Deadline): number {
  return Math.min(monotonicMs - monotonicNow(), wallMs - Date.now())
}
