import {
  errorFrom,
  LeaseGoneError,
  LockedError,
  RefusedError,
  UnreachableError,
} from '../../errors.js'
import { detailOf, tlsTrouble } from './tls-errors.js'

/** What etcd's server says when it will never do what it was asked (api/v3rpc/rpctypes/error.go). */
const REFUSALS = /request is too large|unsupported protocol/i
const LOGIN_REFUSALS =
  /authentication failed|authentication is not enabled|user name is empty|user name not found|invalid user/i

/** What was asked about is no longer in etcd's history. */
export class CompactedError extends LockedError {
  override readonly name = 'CompactedError'
}

/** The user may not do this. */
export class PermissionError extends RefusedError {}

/** The login has expired: another one makes it right. */
export class TokenError extends UnreachableError {}

/** The two ends of a connection do not accept each other. */
export class TlsError extends RefusedError {}

/** Where a request went, as far as is known. */
interface Destination {
  readonly name: string
  readonly user?: string | undefined
}

/** What went wrong with a request to etcd, as one of the errors that the store port knows. */
export function storeError(doing: string, thrown: unknown, at?: Destination): LockedError {
  if (thrown instanceof LockedError) return thrown
  const cause = errorFrom(thrown)
  const { message } = cause
  const text = `${doing}: ${message}`
  if (/requested lease not found/i.test(message)) return new LeaseGoneError(text, { cause })
  if (/has been compacted/i.test(message)) return new CompactedError(text, { cause })
  if (/invalid auth token/i.test(message)) return new TokenError(text, { cause })
  if (/permission denied/i.test(message)) return new PermissionError(text, { cause })
  if (LOGIN_REFUSALS.test(message)) {
    const who = at?.user === undefined ? 'the login' : `the login of user ${at.user}`
    return new RefusedError(`${doing}: ${who} was refused: ${message}`, { cause })
  }
  if (REFUSALS.test(message)) return new RefusedError(text, { cause })
  const tls = tlsTrouble(message, at?.name ?? 'etcd')
  if (tls === null) return new UnreachableError(`${doing}: ${detailOf(message)}`, { cause })
  const told = `${doing}: ${tls.text}`
  return tls.isForGood ? new TlsError(told, { cause }) : new UnreachableError(told, { cause })
}
