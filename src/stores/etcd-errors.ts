import {
  errorFrom,
  LeaseGoneError,
  LockedError,
  RefusedError,
  UnreachableError,
} from '../errors.js'

/** What etcd's server says when it will never do what it was asked (api/v3rpc/rpctypes/error.go). */
const REFUSALS =
  /permission denied|authentication failed|authentication is not enabled|user name is empty|user name not found|invalid user|request is too large|unsupported protocol/i

/** What a TLS handshake says when the two ends do not accept each other's certificates. */
const TLS_REFUSALS =
  /certificate|wrong version number|alert (?:unknown ca|handshake failure|access denied)|tlsv1 alert/i

/** What was asked about is no longer in etcd's history. */
export class CompactedError extends LockedError {
  override readonly name = 'CompactedError'
}

/** What went wrong with a request to etcd, as one of the errors that the store port knows. */
export function storeError(doing: string, thrown: unknown): LockedError {
  if (thrown instanceof LockedError) return thrown
  const cause = errorFrom(thrown)
  const { message } = cause
  const text = `${doing}: ${message}`
  if (/requested lease not found/i.test(message)) return new LeaseGoneError(text, { cause })
  if (/has been compacted/i.test(message)) return new CompactedError(text, { cause })
  if (REFUSALS.test(message) || TLS_REFUSALS.test(message)) return new RefusedError(text, { cause })
  return new UnreachableError(text, { cause })
}
