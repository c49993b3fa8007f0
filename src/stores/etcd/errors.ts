import {
  DeniedError,
  errorFrom,
  LeaseGoneError,
  LockedError,
  RefusedError,
  TooLargeError,
  UnreachableError,
} from '../../errors.js'
import { shownCause } from '../../shown-cause.js'
import { detailOf, tlsTrouble } from './tls-errors.js'

/*
 * What etcd answers (api/v3rpc/rpctypes/error.go) is told by this rule:
 *
 * - What an operator can repair on the server, without touching the client, is `unreachable`: it is
 *   repeated, and goes on when it is repaired.
 * - What only the client's owner can repair is `error`: repeating it is of no use.
 *
 * Whoever was let in before is right: an operator has changed something, and can change it back. Of whoever never
 * was, nobody but the client's owner can tell.
 *
 * | etcd's answer | | |
 * | --- | --- | --- |
 * | authentication is not enabled | goes on without a login, as etcd's own clients do | `Login` |
 * | invalid auth token; revision of auth store is old (3.4: in header) | logs in again, at once | TokenError |
 * | user name is empty, to a client that has one | the same: it was switched on meanwhile | TokenError |
 * | permission denied; a user or a role that was taken away meanwhile | `unreachable` | PermissionError |
 * | authentication failed (also with a user who is not there, or who has no password), to a login that was accepted before | `unreachable` | LoginError |
 * | the same, to one that never was | `error` | RefusedError |
 * | user name is empty, to a client without one that was served before | `unreachable` | LoginError |
 * | the same, to one that never was | `error` | RefusedError |
 * | database space exceeded; too many requests; the server's limit for operations in a transaction | `unreachable`, over the same connection | HeldUpError |
 * | request is too large | `error`; a value that is proposed is given up instead | TooLargeError |
 *
 * What else etcd says of users and roles is answered to operators only.
 */
const STALE_LOGIN = /invalid auth token|revision in header is old|revision of auth store is old/i
const DENIALS = /permission denied|(?:user|role) name not found|(?:role|permission) is not granted/i
const LOGIN_REFUSALS = /authentication failed|user name is empty|invalid user/i
/** What it will never do, whoever asks. */
const REFUSALS = /unsupported protocol|too large lease TTL/i
/** The latter is what gRPC says, of a request far above etcd's limit; its client has other words for answers. */
const TOO_LARGE = /request is too large|grpc: received message larger than max/
const TOO_MANY_OPERATIONS = /too many operations in txn request/i
const HELD_UP = /database space exceeded|too many requests/i

/** What gRPC makes of the code ENHANCE_YOUR_CALM, with which a server ends a connection (subchannel-call.ts). */
const EXCESS_PINGS = /RESOURCE_EXHAUSTED: Bandwidth exhausted/

/** What Node.js says where its permission model keeps the process from the network. */
const NO_NETWORK = /ERR_ACCESS_DENIED|access to this API has been restricted/i

/** What was asked about is no longer in etcd's history. */
export class CompactedError extends LockedError {
  override readonly name = 'CompactedError'
}

/** The user may not do this, until an operator allows it. */
export class PermissionError extends DeniedError {}

/** The login is refused, or that there is none, and was not before: until an operator changes it back. */
export class LoginError extends DeniedError {}

/** etcd has answered, and does not do it for now. Its member is none the worse: another would say the same. */
export class HeldUpError extends UnreachableError {}

/** The login counts no more, or there was none when it was not needed: another one makes it right. */
export class TokenError extends HeldUpError {}

/** Whoever answers there takes gRPC's pings for an attack, and has ended the connection because of them. */
export class ExcessPingsError extends UnreachableError {}

/** More operations than etcd takes in one transaction (--max-txn-ops). */
export class TooManyOperationsError extends HeldUpError {}

/** There is no client to ask etcd with. */
export class ClientError extends RefusedError {}

/** The two ends of a connection do not accept each other. */
export class TlsError extends RefusedError {}

/** The same, where other credentials are asked for by the next connection: it may accept those. */
export class RenewableTlsError extends DeniedError {}

/** Where a request went, as far as is known. */
interface Destination {
  readonly name: string
  readonly user?: string | undefined
  /** Whether etcd has let that user in before, or whoever has none. */
  readonly wasLetIn?: boolean
  /** Whether credentials are asked for again: then what is wrong with them may come right. */
  readonly renewsCredentials?: boolean
}

/** Whether that is what etcd says of a login. */
export function isLoginRefusal(thrown: unknown): boolean {
  return LOGIN_REFUSALS.test(errorFrom(thrown).message)
}

/** What went wrong with a request to etcd, as one of the errors that the store port knows. */
export function storeError(doing: string, thrown: unknown, at?: Destination): LockedError {
  if (thrown instanceof LockedError) return thrown
  const cause = shownCause(errorFrom(thrown))
  const { message } = cause
  const text = `${doing}: ${message}`
  if (/requested lease not found/i.test(message)) return new LeaseGoneError(text, { cause })
  if (/has been compacted/i.test(message)) return new CompactedError(text, { cause })
  const isLoginDue = at?.user !== undefined && /user name is empty/i.test(message)
  if (isLoginDue || STALE_LOGIN.test(message)) return new TokenError(text, { cause })
  if (DENIALS.test(message)) return new PermissionError(text, { cause })
  if (LOGIN_REFUSALS.test(message)) {
    const who = at?.user === undefined ? 'the login' : `the login of user ${at.user}`
    const told = `${doing}: ${who} was refused: ${message}`
    return at?.wasLetIn
      ? new LoginError(`${told}; etcd let it in before`, { cause })
      : new RefusedError(told, { cause })
  }
  if (TOO_LARGE.test(message)) return new TooLargeError(text, { cause })
  if (TOO_MANY_OPERATIONS.test(message)) {
    return new TooManyOperationsError(`${text}; etcd has to be given a larger --max-txn-ops`, {
      cause,
    })
  }
  if (EXCESS_PINGS.test(message)) return new ExcessPingsError(text, { cause })
  if (HELD_UP.test(message)) return new HeldUpError(text, { cause })
  if (REFUSALS.test(message)) return new RefusedError(text, { cause })
  if (NO_NETWORK.test(message)) {
    const remedy = 'Node.js runs with --permission, and has to be given --allow-net'
    return new RefusedError(`${text}; ${remedy}`, { cause })
  }
  const tls = tlsTrouble(message, at?.name ?? 'etcd')
  if (tls === null) return new UnreachableError(`${doing}: ${detailOf(message)}`, { cause })
  const told = `${doing}: ${tls.text}`
  if (!tls.isForGood) return new UnreachableError(told, { cause })
  return at?.renewsCredentials
    ? new RenewableTlsError(told, { cause })
    : new TlsError(told, { cause })
}
