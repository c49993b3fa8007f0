import { debug } from '../../../debug.js'
import { isError, RefusedError, UnreachableError } from '../../../errors.js'
import { RenewableTlsError, TlsError } from '../errors.js'
import { closed } from './closed.js'
import { type Dialling, HANG_UP_WITHIN_MS } from './dial.js'
import type { Connection, Endpoint } from './endpoint.js'
import { reach } from './reach.js'

/** Asks a member something. Resolves if it answers within so many milliseconds, whatever the answer. */
type Probe = (contender: Connection, timeoutMs: number) => Promise<void>

interface Contender extends Connection {
  readonly probing: Promise<void>
}

/**
 * One race of all members: whoever answers `probe` first. The winner's connection is open, and those
 * of all others are closed.
 */
export async function race(
  endpoints: readonly Endpoint[],
  { timeoutMs, signal: given }: Dialling,
  probe: Probe,
): Promise<Connection> {
  const over = new AbortController()
  const { signal } = over
  // `AbortSignal.any` would leave something behind on `given`, which lasts through every race.
  const abandon = () => over.abort(given.reason)
  if (given.aborted) abandon()
  given.addEventListener('abort', abandon)
  const opened: Contender[] = []
  const contend = async (endpoint: Endpoint) => {
    const endsAt = performance.now() + timeoutMs
    const client = await reach(endpoint, { timeoutMs, signal })
    if (signal.aborted) {
      endpoint.close(client)
      throw closed()
    }
    const contender = { endpoint, client }
    const probing = probe(contender, endsAt - performance.now())
    opened.push({ ...contender, probing })
    await probing
    return contender
  }
  let winner: Connection | null = null
  try {
    // Whoever is asked first would be answered first, by a process that is busy.
    winner = await Promise.any(shuffled(endpoints).map(contend))
    return winner
  } catch (thrown) {
    const error = allFailed(thrown, endpoints)
    debug('etcd: %s', error.message)
    throw error
  } finally {
    given.removeEventListener('abort', abandon)
    over.abort(closed())
    for (const contender of opened) {
      if (contender.client !== winner?.client) leave(contender)
    }
  }
}

/** Over TLS it is heard out for a while: a server logs a connection that ends within its handshake. */
function leave({ endpoint, client, probing }: Contender): void {
  if (!endpoint.isTls) {
    endpoint.close(client)
    return
  }
  const timer = setTimeout(() => close(), HANG_UP_WITHIN_MS).unref()
  const close = () => {
    clearTimeout(timer)
    endpoint.close(client)
  }
  probing.then(close, close)
}

function shuffled<T>(given: readonly T[]): T[] {
  return given
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

function isTls(error: unknown): boolean {
  return error instanceof TlsError || error instanceof RenewableTlsError
}

function allFailed(thrown: unknown, endpoints: readonly Endpoint[]): Error {
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  // All members know the same users. A certificate is one member's own: another may yet accept it.
  const refusal =
    errors.find((error) => error instanceof RefusedError && !isTls(error)) ??
    (errors.every(isTls) ? errors[0] : undefined)
  if (isError(refusal)) return refusal
  const [first] = errors
  const why = isError(first) ? first.message : String(first)
  const names = endpoints.map(({ name }) => name).join(', ')
  return new UnreachableError(`no etcd member answers (${names}): ${why}`, { cause: thrown })
}
