const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/** Reads a duration as etcdctl writes it (`5s`, `1m30s`, `500ms`), in milliseconds; `null` if it is none. */
export function durationMs(text: string): number | null {
  if (!WHOLE.test(text)) return null
  let sum = 0
  for (const [, amount, unit] of text.matchAll(PART)) {
    if (unit === 'ms' || unit === 's' || unit === 'm' || unit === 'h') {
      sum += Number(amount) * UNIT_MS[unit]
    }
  }
  return sum
}
