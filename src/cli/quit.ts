const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Aborts `quit` when the process is told to end, or when nobody reads its output any more. A second
 * signal changes nothing: npm passes on the Ctrl-C that the terminal has sent already. Returns the
 * function that gives the signals back their usual effect.
 */
export function quitOnSignals(quit: AbortController): () => void {
  const abort = () => quit.abort()
  for (const signal of SIGNALS) process.on(signal, abort)
  process.stdout.on('error', abort)
  return () => {
    for (const signal of SIGNALS) process.off(signal, abort)
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
