import { setTimeout as delay } from 'node:timers/promises'
import { RefusedError } from '../errors.js'
import type { Call } from '../stores/store.js'

/** An attempt may take so long, so that a frozen connection leaves time for another. */
const ATTEMPT_WITHIN_MS = 2_000
const PAUSE_MS = 100

/**
 * Asks until it is answered, refused, or too late.
 *
 * @throws RefusedError (as a rejection) when the store refuses for good; otherwise what failed last.
 */
export async function answerWithin<Answer>(
  timeoutMs: number,
  doing: string,
  ask: (call: Call) => Promise<Answer>,
): Promise<Answer> {
  const until = performance.now() + timeoutMs
  const tooLate = new AbortController()
  const timer = setTimeout(() => tooLate.abort(), timeoutMs)
  let last: unknown
  try {
    return await Promise.race([
      (async () => {
        for (;;) {
          try {
            const leftMs = Math.max(1, until - performance.now())
            return await ask({ timeoutMs: Math.min(leftMs, ATTEMPT_WITHIN_MS) })
          } catch (thrown) {
            if (thrown instanceof RefusedError || tooLate.signal.aborted) throw thrown
            last = thrown
            await delay(PAUSE_MS, undefined, { signal: tooLate.signal })
          }
        }
      })(),
      new Promise<never>((_resolve, reject) => {
        tooLate.signal.addEventListener('abort', () =>
          reject(last ?? new Error(`${doing}: no answer within ${timeoutMs} ms`)),
        )
      }),
    ])
  } finally {
    clearTimeout(timer)
    tooLate.abort()
  }
}
