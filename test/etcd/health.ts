import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resolves once the member says that it is healthy: it knows a leader and can read through it.
 * Rejects when `signal` aborts, with its reason, or after `deadlineMs`.
 */
export async function untilHealthy(
  metricsAddress: string,
  signal: AbortSignal,
  deadlineMs = 120_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!(await isHealthy(metricsAddress))) {
    signal.throwIfAborted()
    if (performance.now() > endMs) {
      throw new Error(
        `etcd was not healthy after ${deadlineMs} ms (asked at ${metricsAddress}). Does a majority of its cluster run?`,
      )
    }
    await sleep(50)
  }
}

async function isHealthy(metricsAddress: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${metricsAddress}/health`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(10_000),
    })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
